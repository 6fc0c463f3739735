"""Experts: an adapter for each domain, and a router that chooses among them by what is asked (`train.experts`).

What one domain learns cannot harm another one, as in progressive networks (Rusu et al. 2016, arXiv:1606.04671); the
choice is Expert Gate's (Aljundi et al. 2017, arXiv:1611.06194), of one adapter for a whole prompt. Mixtures of LoRA
experts that weigh several adapters against each other layer by layer are MoLE (Wu et al. 2024, arXiv:2404.13628) and,
token by token, PHATGOOSE (Muqeeth et al. 2024, arXiv:2402.05859); both learn gates by gradients, where this router is
counted, never drifts and costs nothing but the reading of the prompt, which is needed anyway.
"""
