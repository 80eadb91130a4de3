"""A laboratory that stands in for AKS and Azure: two HTTPS servers on loopback and the parts behind them."""
