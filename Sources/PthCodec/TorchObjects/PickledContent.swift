/// The pickle of a PyTorch file and the container that it came in.
struct PickledContent: Sendable {}
