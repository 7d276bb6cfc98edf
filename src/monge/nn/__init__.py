"""Networks: plain modules, `generator(z) -> x` and `critic(x) -> (n, k)`."""
