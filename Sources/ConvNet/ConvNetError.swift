/// What can go wrong in loading data, training or testing.
public enum ConvNetError: Error, Sendable, Hashable {
  /// oneDNN, which trains and predicts, can't be loaded.
  case noOneDNN(reason: String)
  /// oneDNN refused a call, with its status.
  case oneDNN(call: String, status: Int)
  /// The system refused a thread, with its error number.
  case thread(errorNumber: Int)
  /// A tensor has a shape that the network does not take.
  case shape(of: String, expected: String, actual: [Int])
  /// A tensor has another dtype.
  case dtype(of: String, expected: String, actual: String)
  /// A tensor's elements can't be read.
  case unreadable(of: String, reason: String)
  /// Images and labels differ in number.
  case counts(images: Int, labels: Int)
  /// A label is not a class.
  case label(index: Int, value: Int64)
  /// An image has a value that is not finite, at `index` of all elements.
  case notFinite(image: Int, row: Int, column: Int, value: String)
  /// The loss stopped being a number; epochs and batches count from 1.
  case loss(epoch: Int, batch: Int)
  /// An option has a value that makes no sense.
  case option(name: String, value: String, expected: String)
  /// There are too few images for one batch.
  case tooFewImages(what: String, images: Int, needed: Int)
  /// A saved state can't be gone on from.
  case state(String)
}

extension ConvNetError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noOneDNN(let reason):
      "oneDNN, which trains and predicts, can't be loaded: \(reason); "
        + "install oneDNN 2, Debian's package libdnnl2"
    case .oneDNN(let call, let status):
      "oneDNN: \(call) answered status \(status); is there memory left?"
    case .thread(let number):
      "a thread could not be started (error \(number)); "
        + "use fewer threads"
    case .shape(let name, let expected, let actual):
      "\(name) has the shape \(actual), expected \(expected)"
    case .dtype(let name, let expected, let actual):
      "\(name) has the dtype \(actual), expected \(expected)"
    case .unreadable(let name, let reason):
      "\(name) can't be read: \(reason)"
    case .counts(let images, let labels):
      "there are \(images) images but \(labels) labels; "
        + "do the two files belong together?"
    case .label(let index, let value):
      "label \(index) is \(value), expected a digit from 0 to 9"
    case .notFinite(let image, let row, let column, let value):
      "image \(image) has \(value) at row \(row), column \(column); "
        + "expected a finite number"
    case .loss(let epoch, let batch):
      "the loss is not a number in epoch \(epoch), batch \(batch); "
        + "try a smaller learning rate"
    case .option(let name, let value, let expected):
      "\(name) is \(value), expected \(expected)"
    case .tooFewImages(let what, let images, let needed):
      "\(what) has \(images) images, expected at least \(needed): "
        + "incomplete batches are dropped"
    case .state(let reason):
      "the saved state can't be resumed: \(reason)"
    }
  }
}
