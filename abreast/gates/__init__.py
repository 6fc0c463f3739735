"""The gates' statistics: pure functions of paired answers, and what each gate makes of them."""
