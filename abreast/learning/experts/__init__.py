"""Experts: an adapter for each domain, and a router that chooses one by the prompt (`train.experts`).

Learning one domain cannot harm another, as in progressive networks (Rusu et al. 2016, arXiv:1606.04671); one adapter is
chosen for a whole prompt, as in Expert Gate (Aljundi et al. 2017, arXiv:1611.06194). Mixtures of LoRA experts weigh
several adapters layer by layer, as MoLE (Wu et al. 2024, arXiv:2404.13628), or token by token, as PHATGOOSE (Muqeeth et
al. 2024, arXiv:2402.05859). Both train their gates by gradients; this router only counts, never drifts, and costs
nothing but reading the prompt, which happens anyway.
"""
