internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Writes the pickle of tensors made here at once, without a graph.
struct StreamPickling: TensorPickling, ~Copyable {
  private var stream: PickleStream
  private var numbers: StorageNumbers
  private var keys: [UInt32] = []  // each storage's name, in the memo

  // Numbers in the memo. The first two lists stay short: PyTorch has few such
  // names, and looking through them takes less than hashing.
  private var globals: [(global: TorchGlobal, number: UInt32)] = []
  private var constants: [(text: TorchConstant, number: UInt32)] = []
  private var texts: [String: UInt32] = [:]
  private var lastDevice: (name: String, number: UInt32)?

  // Few, since looking through them should take less than writing anew.
  private var stamps: [TensorStamp] = []
  private static let stampLimit = 16

  // What a tensor takes in the pickle without its name, and a little more.
  private static let bytesPerTensor = 160

  /// - Parameter tensorCount: About how many tensors will come.
  init(tensorCount: Int) {
    stream = PickleStream(
      capacity: tensorCount.multipliedReportingOverflow(
        by: Self.bytesPerTensor
      ).partialValue
    )
    numbers = StorageNumbers(expected: tensorCount)
    keys.reserveCapacity(tensorCount)
  }

  /// The pickle of a checkpoint that has none of its own, and the storages in
  /// the order of their keys.
  ///
  /// - Throws: ``CheckpointError`` for a name that the pickle can't hold.
  static func encoded(
    _ checkpoint: Checkpoint,
    path: String
  ) throws -> (pickle: PickleBytes, storages: [Storage]) {
    var pickling = StreamPickling(tensorCount: checkpoint.tensors.count)
    pickling.putObject(of: checkpoint)
    let storages = pickling.numbers.storages
    do {
      return (try pickling.finish(), storages)
    } catch {
      throw CheckpointError(.unsupported, error.message, file: path)
    }
  }

  private consuming func finish() throws(PickleError) -> PickleBytes {
    try stream.finish()
  }

  mutating func putInt(_ value: Int) { stream.int(value) }

  mutating func putBool(_ value: Bool) { stream.bool(value) }

  mutating func putFloat(_ value: Double) { stream.float(value) }

  mutating func putConstant(_ text: TorchConstant) {
    for known in constants where known.text == text {
      return stream.recall(known.number)
    }
    constants.append((text, putShared(text.rawValue)))
  }

  mutating func putDevice(_ name: String) {
    if let lastDevice, lastDevice.name == name {
      return stream.recall(lastDevice.number)
    }
    lastDevice = (name, putShared(name))
  }

  /// Text of which there is one object; returns its number in the memo.
  private mutating func putShared(_ text: String) -> UInt32 {
    if let known = texts[text] {
      stream.recall(known)
      return known
    }
    let number = stream.string(text)
    texts[text] = number
    return number
  }

  mutating func putText(_ value: String) {
    if value.isSharedInPython {
      _ = putShared(value)
    } else {
      stream.string(value)
    }
  }

  mutating func putGlobal(_ global: TorchGlobal) {
    for known in globals where known.global == global {
      return stream.recall(known.number)
    }
    let (module, name) = global.names
    globals.append((global, stream.global(module, name)))
  }

  mutating func putKey(
    of storage: Storage,
    as type: StorageType,
    location: String
  ) {
    let number = numbers.number(of: storage)
    if number < keys.count {
      stream.recall(keys[number])
    } else {
      // Python makes a new text of a number, also of one digit.
      unsafe keys.append(
        withDecimalDigits(of: number) { unsafe stream.string($0) }
      )
    }
  }

  mutating func putTensor(_ tensor: Tensor) {
    for stamp in stamps where stamp.fits(tensor) {
      let number = numbers.number(of: tensor.storage)
      // A storage that was met before has its text already.
      guard number == keys.count else { break }
      unsafe keys.append(
        withDecimalDigits(of: number) {
          unsafe stream.stamp(stamp.opcodes, $0)
        }
      )
      return
    }
    guard stamps.count < Self.stampLimit, TensorStamp.canBeMade(of: tensor)
    else { return putTensorCall(tensor) }
    stream.beginStamp()
    putTensorCall(tensor)
    guard let opcodes = stream.endStamp() else { return }
    stamps.append(TensorStamp(like: tensor, opcodes: opcodes))
  }

  mutating func beginTuple(_ count: Int) { stream.beginTuple(count) }

  mutating func endTuple(_ count: Int) { stream.endTuple(count) }

  mutating func putPersistentID() { stream.persistentID() }

  mutating func putCall() { stream.reduce() }

  mutating func putDict() { stream.dict() }

  mutating func putItems(_ count: Int, _ pair: (inout Self, Int) -> Void) {
    for index in 0..<count {
      stream.beginItem(index, of: count)
      pair(&self, index)
      stream.endItem(index, of: count)
    }
  }

  mutating func putState() { stream.build() }
}

/// The opcodes of tensors that differ in nothing but their storages.
///
/// An object, since a copy of all its values would count their references.
private final class TensorStamp {
  let opcodes: PickleStamp
  private let model: Tensor

  init(like tensor: Tensor, opcodes: PickleStamp) {
    self.opcodes = opcodes
    model = tensor
  }

  /// Whether a tensor has nothing but numbers and names.
  static func canBeMade(of tensor: Tensor) -> Bool {
    tensor.quantization == nil && !tensor.isConjugate && !tensor.isNegative
      && !tensor.storage.isMeta
  }

  /// Whether the opcodes are a tensor's, if its storage is a new one.
  func fits(_ tensor: Tensor) -> Bool {
    tensor.storage.byteCount == model.storage.byteCount
      && tensor.dtype == model.dtype && tensor.layout == model.layout
      && tensor.requiresGrad == model.requiresGrad
      && tensor.device == model.device && Self.canBeMade(of: tensor)
  }
}
