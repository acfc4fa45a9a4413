public import ArgumentParser
public import PthCodec

// The options that take the codec's own names.

/// `--for`: a version of PyTorch.
extension TorchTarget: ExpressibleByArgument {}

/// `--layout`: which records a PyTorch archive gets.
extension TorchLayout: ExpressibleByArgument {}
