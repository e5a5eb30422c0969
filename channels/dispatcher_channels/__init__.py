"""Channel adapters that ship with Dispatcher. Each imports `dispatcher.spi` and nothing else of ours."""
