internal import OrderedCollections
internal import Pickle
internal import Tensors

/// How a PyTorch object lives on in a safetensors file.
///
/// `__metadata__` keeps the pickle under `pth.pickle`, in base64, and under
/// `pth.storages` a JSON object that says for each of the pickle's storages
/// which tensor's bytes it is. A storage that no tensor fills as a whole, since
/// the tensors are views with gaps or of a dtype that safetensors lacks, is
/// written as one more tensor of bytes, `pth.storage.<key>`. Other programs see
/// the plain tensors; this package gives the whole object back.
enum SafetensorsPickle {
  static let pickleKey = "pth.pickle"
  static let storagesKey = "pth.storages"
  private static let storagePrefix = "pth.storage."

  /// Whether an object is carried: the setting `plain` leaves it out.
  static func carries(
    _ checkpoint: Checkpoint,
    _ options: WriteOptions
  ) -> Bool {
    checkpoint.pickled != nil && options.settings["plain"] != "true"
  }

  /// Adds the object's pickle and the storages that have no tensor.
  ///
  /// - Parameters:
  ///   - content: The object.
  ///   - tensors: The tensors that are written anyway.
  ///   - metadata: The texts.
  ///   - path: The file, for messages.
  /// - Throws: ``CheckpointError`` where the pickle can't be written.
  static func add(
    _ content: PickledContent,
    to tensors: inout OrderedDictionary<String, Tensor>,
    _ metadata: inout OrderedDictionary<String, String>,
    path: String
  ) throws {
    var fillers: [ObjectIdentifier: String] = [:]
    for (name, tensor) in tensors.reversed() where fills(tensor) {
      fillers[ObjectIdentifier(tensor.storage)] = name
    }
    var places: [(key: String, value: JSONValue)] = []
    for (key, entry) in content.storages where !entry.storage.isMeta {
      if let name = fillers[ObjectIdentifier(entry.storage)] {
        places.append((key, .string(name)))
        continue
      }
      var name = storagePrefix + key
      while tensors[name] != nil { name += "_" }
      tensors[name] = try Tensor(
        dtype: .uint8,
        layout: Layout(contiguous: [entry.storage.byteCount]),
        storage: entry.storage
      )
      places.append((key, .string(name)))
    }
    metadata[pickleKey] = Base64.encode(
      try content.encoded(protocolVersion: nil, path: path)
    )
    metadata[storagesKey] = JSONValue.object(places).text()
  }

  /// Whether a tensor's bytes are those of its storage, all and in order.
  private static func fills(_ tensor: Tensor) -> Bool {
    tensor.layout.isContiguous && tensor.layout.offset == 0
      && tensor.byteCount == tensor.storage.byteCount
      && !tensor.isConjugate && !tensor.isNegative
  }

  /// Makes the object again, where the file carries one.
  ///
  /// - Throws: ``CheckpointError`` where pickle and tensors don't fit.
  static func restore(
    _ checkpoint: inout Checkpoint,
    path: String,
    options: ReadOptions
  ) throws {
    guard let text = checkpoint.metadata.removeValue(forKey: pickleKey),
      let placesText = checkpoint.metadata.removeValue(forKey: storagesKey)
    else { return }
    let record = SafetensorsHeader.metadataKey + "." + pickleKey
    guard let bytes = Base64.decode(text) else {
      throw mismatch("the pickle is not base64", record)
    }
    let places = try places(placesText)
    let graph = try decodePickle(
      Storage(bytes),
      limits: options.pickle,
      file: path,
      record: record
    )
    let found = checkpoint.tensors
    let storages = StorageTable { reference, byteCount in
      guard let name = places[reference.key], let tensor = found[name],
        tensor.byteCount == byteCount
      else {
        throw mismatch(
          "the pickle's storage \(reference.key) of \(byteCount) bytes is not "
            + "among the tensors",
          record
        )
      }
      return tensor.storage
    }
    var walk = ObjectWalk(
      decoder: TensorDecoder(reader: GraphReader(graph), storages: storages)
    )
    try walk.run()
    let content = PickledContent(
      graph: graph,
      storages: walk.decoder.storages.list
    )
    let shown = Checkpoint(content, walk: walk, as: checkpoint.format)
    let fillers = Set(places.values)
    for name in found.keys
    where shown.tensors[name] == nil && !fillers.contains(name) {
      throw mismatch("the pickle does not have the tensor \(name)", record)
    }
    checkpoint.tensors = shown.tensors
    checkpoint.values = shown.values
    checkpoint.moduleVersions = shown.moduleVersions
    checkpoint.pickled = shown.pickled
  }

  private static func places(
    _ text: String
  ) throws(CheckpointError) -> [String: String] {
    var places: [String: String] = [:]
    var reader = JSONReader(Array(text.utf8))
    do {
      try reader.readObject { key, reader throws(CheckpointError) in
        places[key] = try reader.readString()
      }
      try reader.expectEnd()
    } catch {
      throw error.located(
        record: SafetensorsHeader.metadataKey + "." + storagesKey
      )
    }
    return places
  }

  private static func mismatch(
    _ message: String,
    _ record: String
  ) -> CheckpointError {
    CheckpointError(
      .mismatch,
      message,
      record: record,
      hint: "another program changed the file; without \(pickleKey) and "
        + "\(storagesKey) in __metadata__ its tensors can be read"
    )
  }
}
