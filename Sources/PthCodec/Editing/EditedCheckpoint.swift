internal import OrderedCollections
internal import Pickle
internal import Tensors

extension Checkpoint {
  /// Makes a checkpoint of a pickle and its storages.
  ///
  /// - Throws: ``CheckpointError`` with the key path for a tensor that can't
  ///   be.
  init(
    walking content: PickledContent,
    as format: FormatID,
    decoders: ObjectDecoders = [:]
  ) throws {
    let storages = content.storages
    let decoder = TensorDecoder(
      reader: GraphReader(content.graph),
      storages: StorageTable { reference, byteCount in
        try storages.storage(reference, byteCount)
      }
    )
    var walk = ObjectWalk(decoder: decoder)
    if !decoders.isEmpty {
      walk.decoding = DecodingContext(decoders, decoder)
    }
    try walk.run()
    self.init(content, walk: walk, as: format)
  }

  /// The checkpoint with its object changed.
  ///
  /// - Parameter edit: Changes the graph and storages, and tells whether it
  ///   did.
  /// - Returns: The changed checkpoint, itself where nothing has changed or
  ///   there is no pickle.
  /// - Throws: What `edit` throws, and ``CheckpointError``.
  func edited(
    _ edit: (inout GraphEditor) throws -> Bool
  ) throws -> Checkpoint {
    if needsUpdate { return try updated().edited(edit) }
    guard let pickled else { return self }
    do {
      var editor = GraphEditor(pickled)
      // Old files' views of storages become offsets first.
      if pickled.archive == nil { try editor.numberStorages() }
      guard try edit(&editor) else { return self }
      try editor.numberStorages()
      var archive = pickled.archive
      archive?.isEdited = true
      var result = try Checkpoint(
        walking: PickledContent(
          graph: editor.graph,
          storages: editor.storages,
          tensorNodes: [:],
          archive: archive
        ),
        as: format
      )
      result.path = path
      result.repeatLimit = repeatLimit
      result.byteOrder = byteOrder
      result.metadata = metadata
      return result
    } catch let error as CheckpointError {
      throw error.located(file: path)
    }
  }
}
