"""A headless run: kernels, execution, deadlines, teardown; and the recorder."""
