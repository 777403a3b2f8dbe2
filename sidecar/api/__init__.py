"""HTTP in, typed objects out: routers, their shapes, and the one function that leads a request through the rooms."""
