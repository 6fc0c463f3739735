import pytest
import torch

from abreast.core.settings import Model
from abreast.learning.adapters import make_adaptation
from abreast.learning.backbone.adapter import add_adapter
from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.base_model import load_base
from abreast.learning.encoder.begin import longest
from abreast.learning.encoder.encoder_backbone import EncoderTrunk, masked_words
from abreast.learning.encoder.head import LabelHead
from abreast.learning.encoder.label_tokenizer import Marked

TEXTS = [
    Marked((2, 10, 11, 3), None, 1, (0.0,)),
    Marked((2, 20, 21, 22, 23, 3), (1, 3), 2, (1.0, 0.0)),
    Marked((2, 12, 13, 14, 15, 16, 3), (2,), 0, (9.0,)),
]


@pytest.fixture(params=[1, 2])
def upper(request):
    return request.param


@pytest.fixture
def adapted(tiny_encoder, upper):
    base, _, _ = load_base(Model(base=str(tiny_encoder), device="cpu"))
    settings = make_adaptation({"method": "lora", "rank": 2}).settings(base, upper)
    adapted = add_adapter(base, settings, "tiny", trainable=True)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in (p for p in adapted.parameters() if p.requires_grad):
            parameter.normal_(std=0.2)
    return adapted


def trunk_of(adapted, upper: int) -> EncoderTrunk:
    return EncoderTrunk(adapted.get_base_model(), upper, LabelHead({}), adapted.disable_adapter)


@torch.no_grad()
def by_hand(model, text: Marked) -> torch.Tensor:
    states = model.bert(input_ids=torch.tensor([text.ids])).last_hidden_state[0]
    return states.mean(0, keepdim=True) if text.places is None else states[list(text.places)]


def test_hidden_states_are_the_models_own_whether_kept_or_not(adapted, upper):
    wanted = torch.cat([by_hand(adapted.get_base_model(), text) for text in TEXTS])
    planned, plain = trunk_of(adapted, upper), trunk_of(adapted, upper)
    planned.plan(TEXTS)
    assert planned._works
    for trunk in (planned, plain):
        hidden, targets, owner = trunk.completions(TEXTS)
        torch.testing.assert_close(hidden, wanted, rtol=1e-4, atol=1e-4)
        assert targets.tolist() == [[1.0, 0.0], [2.0, 1.0], [2.0, 0.0], [0.0, 9.0]]
        assert owner.tolist() == [0, 1, 1, 2]
    assert set(planned._kept) == set(TEXTS)
    with planned.asleep(), adapted.disable_adapter():
        asleep = torch.cat([by_hand(adapted.get_base_model(), text) for text in TEXTS])
        torch.testing.assert_close(planned.completions(TEXTS)[0], asleep, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(asleep, wanted, atol=1e-2)


def test_a_shift_is_added_to_what_the_lowest_trained_layer_reads(adapted, upper):
    for planned in (True, False):
        trunk = trunk_of(adapted, upper)
        if planned:
            trunk.plan(TEXTS)
        shift = trunk.shift(TEXTS)
        hidden = trunk.completions(TEXTS, shift)[0]
        hidden.square().mean().backward()
        assert shift.grad[0, :4].abs().sum() > 0
        assert shift.grad[1, 6:].abs().sum() == 0, "behind the end of a text there is nothing to read"
        longer = torch.cat([shift.grad, torch.full((3, 2, 32), 9.0)], dim=1)
        moved, same = trunk.completions(TEXTS, shift.grad)[0], trunk.completions(TEXTS, longer)[0]
        assert torch.equal(moved, same)
        assert not torch.allclose(moved, hidden)


@torch.no_grad()
def test_masked_words_are_those_of_the_whole_model(adapted, upper, bare_encoder):
    model = adapted.get_base_model()
    hidden = trunk_of(adapted, upper).completions(TEXTS[2:])[0]
    wanted = model(input_ids=torch.tensor([TEXTS[2].ids])).logits[0, [2]]
    torch.testing.assert_close(masked_words(model)(hidden), wanted, rtol=1e-4, atol=1e-4)
    assert model.base_model is model.bert, "the body is back in its place"
    bare, tokenizer, _ = load_base(Model(base=str(bare_encoder), device="cpu"))
    assert type(bare).__name__ == "BertModel"
    assert masked_words(bare) is None
    assert longest(bare, tokenizer) == 64


SHAPE = {"vocab_size": 60, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2}
FAMILIES = ["roberta", "mpnet", "electra", "modernbert", "deberta-v2", "xlm-roberta", "distilbert"]


@torch.no_grad()
@pytest.mark.parametrize("family", FAMILIES)
def test_other_families_of_encoders_are_read_as_they_read_themselves(family):
    from transformers import AutoConfig, AutoModelForMaskedLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **SHAPE, max_position_embeddings=32, pad_token_id=1)
    model = AutoModelForMaskedLM.from_config(config).eval()
    config.architectures = [type(model).__name__]
    assert is_encoder(config)
    trunk = EncoderTrunk(model, 1, LabelHead({}))
    trunk.plan(TEXTS)
    hidden = trunk.completions(TEXTS)[0]
    wanted = [model.base_model(input_ids=torch.tensor([text.ids])).last_hidden_state[0] for text in TEXTS]
    wanted = [wanted[0].mean(0, keepdim=True), wanted[1][[1, 3]], wanted[2][[2]]]
    torch.testing.assert_close(hidden, torch.cat(wanted), rtol=1e-3, atol=1e-4)
    whole = model(input_ids=torch.tensor([TEXTS[2].ids])).logits[0, [2]]
    torch.testing.assert_close(masked_words(model)(hidden[-1:]), whole, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "architecture", "encoder"),
    [
        ("bert", "BertModel", True),
        ("bert", "BertForPreTraining", True),
        ("bert", "BertLMHeadModel", False),
        ("roberta", "RobertaForCausalLM", False),
        ("gpt2", "GPT2Model", False),
        ("llama", "LlamaForCausalLM", False),
        ("bart", "BartForConditionalGeneration", False),
    ],
)
def test_the_configuration_tells_the_family(kind, architecture, encoder):
    from transformers import AutoConfig

    assert is_encoder(AutoConfig.for_model(kind, architectures=[architecture])) is encoder
