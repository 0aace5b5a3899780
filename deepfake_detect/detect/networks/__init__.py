"""Network definitions in torch. Imported only when an accelerator, or a comparison of runtimes, asks for them."""
