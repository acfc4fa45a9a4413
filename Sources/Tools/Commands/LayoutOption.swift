internal import ArgumentParser
internal import PthCodec

/// `--layout`: which records a PyTorch archive gets.
enum LayoutOption: String, ExpressibleByArgument, CaseIterable {
  case torch1
  case torch2

  /// The codec's name for it.
  var layout: TorchLayout {
    switch self {
    case .torch1: .torch1
    case .torch2: .torch2
    }
  }
}
