internal import Pickle
internal import Tensors

/// Tensors that PyTorch can't rebuild.
extension PickleLoadCheck {
  func addTensors(to found: inout FindingList) {
    let table = StorageTable { _, byteCount in .meta(byteCount: byteCount) }
    let reader = GraphReader(graph)
    var decoder = TensorDecoder(reader: reader, storages: table)
    func note(_ error: CheckpointError, _ id: PickleGraph.NodeID) {
      // What this package does not know may still be known to PyTorch, and
      // what is computed may be anything.
      let isFatal = error.code == .damaged && !isComputed(id)
      let severity: Finding.Severity = isFatal ? .error : .warning
      found.add(severity) {
        finding(
          severity,
          error.code == .damaged ? "bad-tensor" : error.code.rawValue,
          error.offset ?? graph.offset(id),
          paths.path(of: id),
          error.message
        )
      }
    }
    for id in graph.nodes where graph.kind(id) == .persistentID {
      if role == .legacy, isModule(id) { continue }
      let refusesStates = options.weightsOnly && options.target == .torch1
      if refusesStates, reader.isChanged(id) {
        found.add(
          finding(
            .error,
            "refused-state",
            graph.offset(id),
            paths.path(of: id),
            "weights_only=True sets no state of a storage"
          )
        )
        continue
      }
      do {
        let reference = try reader.storageReference(id)
        guard role == .legacy, reference.type == .untyped else { continue }
        found.add(.error) {
          finding(
            .error,
            "untyped-storage",
            graph.offset(id),
            paths.path(of: id),
            "torch can't read an untyped storage from a file of this form, "
              + "though it writes one"
          )
        }
      } catch {
        note(error, id)
      }
    }
    for id in graph.nodes where graph.kind(id) == .object {
      if let finding = badState(reader, id) {
        found.add(finding)
        continue
      }
      do {
        _ = try decoder.tensor(id)
        if let finding = tooManyArguments(reader, id) { found.add(finding) }
        if let finding = sparse(reader, id) { found.add(finding) }
      } catch let error as CheckpointError {
        note(error, id)
      } catch {
        continue
      }
    }
  }

  /// torch 1.13's `_rebuild_tensor_v2` takes no marks for conjugate views.
  private func tooManyArguments(
    _ reader: GraphReader,
    _ id: PickleGraph.NodeID
  ) -> Finding? {
    guard options.target == .torch1, let call = reader.call(id),
      call.function == .rebuildTensorV2, call.arguments.count > 6
    else { return nil }
    return finding(
      .error,
      "too-many-arguments",
      graph.offset(id),
      paths.path(of: id),
      "torch 1.13 knows no conjugate and negative views in files"
    )
  }

  /// A tensor's state (BUILD) is other data, or one of the forms in which torch
  /// before 0.4 wrote it.
  private func badState(
    _ reader: GraphReader,
    _ id: PickleGraph.NodeID
  ) -> Finding? {
    guard reader.isChanged(id), reader.isTensor(id),
      let function = reader.call(id)?.function,
      // A subclass may do as it likes.
      function != .rebuildFromType, function != .rebuildFromTypeV2
    else { return nil }
    let isParameter =
      function == .rebuildParameter || function == .rebuildParameterWithState
    let counts = options.weightsOnly && !isParameter ? 4...4 : 3...5
    let isGood = graph.changes(id).allSatisfy { change in
      guard case .state(let state) = change, graph.kind(state) == .tuple else {
        return false
      }
      let parts = graph.children(state)
      return counts.contains(parts.count)
        && (parts.count != 4 || parts.first.map(reader.isStorage) ?? false)
    }
    guard !isGood else { return nil }
    return finding(
      .error,
      "bad-state",
      graph.offset(id),
      paths.path(of: id),
      "no tensor takes the state that it is given (BUILD)"
    )
  }

  /// torch 1.13 knows sparse tensors of one layout, with three parts.
  private func sparse(
    _ reader: GraphReader,
    _ id: PickleGraph.NodeID
  ) -> Finding? {
    guard options.target == .torch1, let call = reader.call(id),
      call.function == .rebuildSparse, call.arguments.count == 2
    else { return nil }
    let arguments = Array(call.arguments)
    let layout = reader.call(arguments[0])?.arguments.first
      .flatMap { graph.string($0) }
    let message: String
    if let layout, layout != "torch.sparse_coo" {
      message = "torch 1.13 rebuilds no tensor of the layout \(layout)"
    } else if graph.kind(arguments[1]) == .tuple,
      graph.children(arguments[1]).count != 3
    {
      message =
        "torch 1.13 takes indices, values and size of a sparse tensor, and "
        + "nothing more"
    } else {
      return nil
    }
    return finding(
      .error,
      "sparse-layout",
      graph.offset(id),
      paths.path(of: id),
      message
    )
  }
}
