import pytest
import torch

from abreast.core.settings import Model
from abreast.learning.adapters import make_adapter_method
from abreast.learning.backbone.adapter import add_adapter
from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.base_model import load_base
from abreast.learning.encoder.encoder_backbone import EncoderBackbone, masked_lm_head
from abreast.learning.encoder.head import LabelHead
from abreast.learning.encoder.label_tokenizer import LabelledExample
from abreast.learning.encoder.prepare import max_tokens

TEXTS = [
    LabelledExample((2, 10, 11, 3), None, 1, (0.0,)),
    LabelledExample((2, 20, 21, 22, 23, 3), (1, 3), 2, (1.0, 0.0)),
    LabelledExample((2, 12, 13, 14, 15, 16, 3), (2,), 0, (9.0,)),
]


@pytest.fixture(params=[1, 2])
def top_layers(request):
    return request.param


@pytest.fixture
def peft_model(tiny_encoder, top_layers):
    base, _, _ = load_base(Model(base=str(tiny_encoder), device="cpu"))
    config = make_adapter_method({"method": "lora", "rank": 2}).peft_config(base, top_layers)
    peft_model = add_adapter(base, config, "tiny", trainable=True)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in (p for p in peft_model.parameters() if p.requires_grad):
            parameter.normal_(std=0.2)
    return peft_model


def backbone_of(peft_model, top_layers: int) -> EncoderBackbone:
    return EncoderBackbone(peft_model.get_base_model(), top_layers, LabelHead({}), peft_model.disable_adapter)


@torch.no_grad()
def by_hand(model, text: LabelledExample) -> torch.Tensor:
    states = model.bert(input_ids=torch.tensor([text.ids])).last_hidden_state[0]
    return states.mean(0, keepdim=True) if text.positions is None else states[list(text.positions)]


def test_hidden_states_equal_the_models_own_with_and_without_the_cache(peft_model, top_layers):
    wanted = torch.cat([by_hand(peft_model.get_base_model(), text) for text in TEXTS])
    planned, plain = backbone_of(peft_model, top_layers), backbone_of(peft_model, top_layers)
    planned.precompute(TEXTS)
    assert planned._can_split
    for backbone in (planned, plain):
        hidden, targets, owner = backbone.completion_states(TEXTS)
        torch.testing.assert_close(hidden, wanted, rtol=1e-4, atol=1e-4)
        assert targets.tolist() == [[1.0, 0.0], [2.0, 1.0], [2.0, 0.0], [0.0, 9.0]]
        assert owner.tolist() == [0, 1, 1, 2]
    assert set(planned._cache.computed) == set(TEXTS)
    with planned.adapter_disabled(), peft_model.disable_adapter():
        base = torch.cat([by_hand(peft_model.get_base_model(), text) for text in TEXTS])
        torch.testing.assert_close(planned.completion_states(TEXTS)[0], base, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(base, wanted, atol=1e-2)


def test_a_perturbation_is_added_to_the_input_of_the_lowest_top_layer(peft_model, top_layers):
    for planned in (True, False):
        backbone = backbone_of(peft_model, top_layers)
        if planned:
            backbone.precompute(TEXTS)
        perturbation = backbone.input_perturbation(TEXTS)
        hidden = backbone.completion_states(TEXTS, perturbation)[0]
        hidden.square().mean().backward()
        assert perturbation.grad[0, :4].abs().sum() > 0
        assert perturbation.grad[1, 6:].abs().sum() == 0, "padding has no gradient"
        longer = torch.cat([perturbation.grad, torch.full((3, 2, 32), 9.0)], dim=1)
        moved, same = (
            backbone.completion_states(TEXTS, perturbation.grad)[0],
            backbone.completion_states(TEXTS, longer)[0],
        )
        assert torch.equal(moved, same)
        assert not torch.allclose(moved, hidden)


@torch.no_grad()
def test_the_masked_lm_head_equals_that_of_the_whole_model(peft_model, top_layers, bare_encoder):
    model = peft_model.get_base_model()
    hidden = backbone_of(peft_model, top_layers).completion_states(TEXTS[2:])[0]
    wanted = model(input_ids=torch.tensor([TEXTS[2].ids])).logits[0, [2]]
    torch.testing.assert_close(masked_lm_head(model)(hidden), wanted, rtol=1e-4, atol=1e-4)
    assert model.base_model is model.bert, "the body is back in its place"
    bare, tokenizer, _ = load_base(Model(base=str(bare_encoder), device="cpu"))
    assert type(bare).__name__ == "BertModel"
    assert masked_lm_head(bare) is None
    assert max_tokens(bare, tokenizer) == 64


SHAPE = {"vocab_size": 60, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2}
FAMILIES = ["roberta", "mpnet", "electra", "modernbert", "deberta-v2", "xlm-roberta", "distilbert"]


@torch.no_grad()
@pytest.mark.parametrize("family", FAMILIES)
def test_hidden_states_of_other_encoder_families_equal_their_own(family):
    from transformers import AutoConfig, AutoModelForMaskedLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **SHAPE, max_position_embeddings=32, pad_token_id=1)
    model = AutoModelForMaskedLM.from_config(config).eval()
    config.architectures = [type(model).__name__]
    assert is_encoder(config)
    backbone = EncoderBackbone(model, 1, LabelHead({}))
    backbone.precompute(TEXTS)
    hidden = backbone.completion_states(TEXTS)[0]
    wanted = [model.base_model(input_ids=torch.tensor([text.ids])).last_hidden_state[0] for text in TEXTS]
    wanted = [wanted[0].mean(0, keepdim=True), wanted[1][[1, 3]], wanted[2][[2]]]
    torch.testing.assert_close(hidden, torch.cat(wanted), rtol=1e-3, atol=1e-4)
    whole = model(input_ids=torch.tensor([TEXTS[2].ids])).logits[0, [2]]
    torch.testing.assert_close(masked_lm_head(model)(hidden[-1:]), whole, rtol=1e-3, atol=1e-4)


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
def test_the_configuration_decides_what_is_an_encoder(kind, architecture, encoder):
    from transformers import AutoConfig

    assert is_encoder(AutoConfig.for_model(kind, architectures=[architecture])) is encoder
