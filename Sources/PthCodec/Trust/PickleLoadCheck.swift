internal import Pickle
internal import Tensors

/// What of one pickle PyTorch refuses: opcodes, globals, calls, tensors.
struct PickleLoadCheck {
  /// What a pickle is in its file.
  enum Role {
    /// An archive's object, whose storages are records.
    case archive
    /// The object of a file of torch before 1.6.
    case legacy
    /// One of torch 0.1's pickles, or of those around a legacy object: there
    /// is no tensor in it.
    case other
  }

  let source: PickleSource
  let partial: Unpickler.Partial
  private let start: Int
  private let record: String?
  let role: Role
  let options: LoadOptions
  private let table: TorchVersionTable
  private let names: [Scanner.Finding]
  let paths: PathFinder

  var graph: PickleGraph { partial.graph }

  init(
    _ source: PickleSource,
    _ partial: Unpickler.Partial,
    start: Int,
    record: String?,
    role: Role,
    options: LoadOptions,
    table: TorchVersionTable
  ) {
    self.source = source
    self.partial = partial
    self.start = start
    self.record = record
    self.role = role
    self.options = options
    self.table = table
    names = Scanner.scan(partial, source).findings
    paths = PathFinder(partial.graph)
  }

  /// The findings in the order of the pickle.
  func findings() -> [Finding] {
    var found = FindingList()
    if options.weightsOnly {
      refusedOpcodes().forEach { found.add($0) }
      addRefusedCalls(to: &found)
    } else {
      addImpossibleCalls(to: &found)
      hugeMemo().forEach { found.add($0) }
    }
    for name in names { check(name).forEach { found.add($0) } }
    if let failure = partial.failure {
      found.add(
        finding(.error, "bad-pickle", failure.offset, nil, failure.message)
      )
    } else if role != .other {
      addTensors(to: &found)
    }
    return found.sorted(record: record)
  }

  func finding(
    _ severity: Finding.Severity,
    _ code: String,
    _ offset: Int?,
    _ keyPath: String?,
    _ message: String
  ) -> Finding {
    Finding(
      severity,
      code,
      record: record,
      offset: offset,
      keyPath: keyPath,
      message
    )
  }

  /// Python's memo is an array twice as long as the farthest entry needs.
  private func hugeMemo() -> [Finding] {
    let bytes = partial.farthestMemo.multipliedReportingOverflow(by: 16)
    guard bytes.partialValue >= 1 << 32 else { return [] }
    return [
      finding(
        .warning,
        "needs-memory",
        nil,
        nil,
        "its memo entry \(partial.farthestMemo) makes Python ask for "
          + "\(bytes.partialValue >> 30) GiB"
      )
    ]
  }

  // MARK: The weights-only unpickler

  private func refusedOpcodes() -> [Finding] {
    let refused = source.firstOpcode(at: start) {
      !table.weightsOnlyOpcodes.contains($0.name)
    }
    guard let (opcode, offset) = refused else { return [] }
    return [
      finding(
        .error,
        "refused-opcode",
        offset,
        path(near: offset),
        "weights_only=True has no opcode \(opcode.name)"
      )
    ]
  }

  /// The key path of what is made last before an opcode.
  private func path(near offset: Int) -> String? {
    let nodes = graph.nodes
    var index = nodes.endIndex
    var tries = 64
    while index > nodes.startIndex, tries > 0 {
      nodes.formIndex(before: &index)
      let made = graph.offset(nodes[index])
      guard made >= 0, made <= offset else { continue }
      if let path = paths.path(of: nodes[index]) { return path }
      tries -= 1
    }
    return nil
  }

  private func addRefusedCalls(to found: inout FindingList) {
    func refuse(
      _ id: PickleGraph.NodeID,
      _ code: String,
      _ message: String
    ) {
      found.add(.error) {
        finding(.error, code, graph.offset(id), paths.path(of: id), message)
      }
    }
    for id in graph.nodes where graph.kind(id) == .object {
      guard let object = graph.object(id) else { continue }
      let name = graph.global(object.callable).map { "\($0.module).\($0.name)" }
      guard let name, table.letsThrough(name) else {
        // A refused global has been told about where it is imported.
        if name == nil {
          refuse(id, "refused-call", "weights_only=True does not call this")
        }
        continue
      }
      let isParameter = name == "torch.nn.parameter.Parameter"
      if object.construction == .newObj, options.target == .torch1, !isParameter
      {
        refuse(
          id,
          "refused-call",
          "weights_only=True makes no object of \(name) by NEWOBJ"
        )
      }
      if !object.listItems.isEmpty {
        refuse(
          id,
          "refused-items",
          "weights_only=True appends to lists only, not to \(name)"
        )
      }
      let isMapping =
        name == "collections.OrderedDict"
        || name == "collections.Counter" && options.target == .torch2
      if !object.dictItems.isEmpty, !isMapping, options.target == .torch2 {
        refuse(
          id,
          "refused-items",
          "weights_only=True sets no items of \(name)"
        )
      }
      if object.state != nil, !takesState(name) {
        refuse(
          id,
          "refused-state",
          "weights_only=True sets no state of \(name)"
        )
      }
    }
  }

  private func takesState(_ name: String) -> Bool {
    switch name {
    case "collections.OrderedDict", "torch.nn.parameter.Parameter",
      "torch.Tensor":
      true
    default:
      name.contains("_rebuild")
        || options.target == .torch2 && name == "collections.Counter"
    }
  }

  // MARK: Imports

  private func check(_ found: Scanner.Finding) -> [Finding] {
    switch found.name {
    case .global(let module, let name):
      let full = module + "." + name
      if options.weightsOnly, !table.letsThrough(full) {
        return [
          finding(
            .error,
            "refused-global",
            found.offset,
            found.path,
            "weights_only=True does not let \(full) through"
          )
        ]
      }
      return existing(module, name, found)
    case .extension(let code):
      return [
        finding(
          .error,
          "unknown-extension",
          found.offset,
          found.path,
          "extension code \(code) is registered by no module of PyTorch"
        )
      ]
    case .module, .computed:
      return [
        finding(
          .warning,
          "computed-name",
          found.offset,
          found.path,
          "\(found.name) is computed when the file is loaded"
        )
      ]
    }
  }

  /// Whether "Storage" is in a name, byte by byte: there may be hundreds of
  /// thousands of names.
  private func isStorageName(_ name: String) -> Bool {
    var rest = name.utf8[...]
    while let start = rest.firstIndex(of: UInt8(ascii: "S")) {
      rest = rest[start...]
      if rest.starts(with: "Storage".utf8) { return true }
      rest.removeFirst()
    }
    return false
  }

  /// Whether the version has what a global names.
  private func existing(
    _ module: String,
    _ name: String,
    _ found: Scanner.Finding
  ) -> [Finding] {
    func missing(_ what: String) -> [Finding] {
      [
        finding(
          .error,
          "missing-global",
          found.offset,
          found.path,
          "\(options.target.rawValue) has no \(what)"
        )
      ]
    }
    if !options.weightsOnly, isStorageName(name) {
      // torch takes its storages' names from any module.
      if StorageType(module: "torch", name: name) != nil { return [] }
      if module == "torch", name != "UntypedStorage", name != "TypedStorage" {
        return missing("\(module).\(name)")
      }
    }
    switch module {
    case "torch._utils" where name.hasPrefix("_rebuild"):
      return table.rebuilders.contains(name) ? [] : missing("\(module).\(name)")
    case "torch" where DType(torchName: name) != nil:
      return table.dtypes.contains(name) ? [] : missing("\(module).\(name)")
    case "torch.nn.parameter" where name == "Buffer":
      return options.target == .torch2 ? [] : missing("\(module).\(name)")
    case "torch.nn.modules.loss", "torch.nn.modules.normalization",
      "torch.nn.modules.padding", "torch.nn.modules.pooling":
      let isNew = TorchVersionTable.newModules.contains(name)
      if isNew, options.target == .torch1 {
        return missing("\(module).\(name)")
      }
    case "torch._C" where name == "_TensorBase" || name == "TensorBase":
      return []
    default: break
    }
    if module.hasPrefix("numpy._core"), options.target == .torch1 {
      return [
        finding(
          .warning,
          "needs-module",
          found.offset,
          found.path,
          "it needs a numpy that has numpy._core: 1.26, since torch 1.13 "
            + "does not work with numpy 2"
        )
      ]
    }
    let isNested =
      module.hasPrefix("torch.nested.") || module.hasPrefix("torch._dynamo")
      || module.hasPrefix("torch.distributed.tensor")
      || module.hasPrefix("torch.distributed.checkpoint")
    if isNested, options.target == .torch1 {
      return missing("module \(module)")
    }
    switch GlobalPolicy().verdict(on: found) {
    case .safe: return []
    case .dangerous:
      return [
        finding(
          .warning,
          "runs-code",
          found.offset,
          found.path,
          "loading it calls or gives away \(module).\(name); see `pth scan`"
        )
      ]
    case .unknown:
      return [
        finding(
          .warning,
          "needs-module",
          found.offset,
          found.path,
          "it needs \(module).\(name)"
        )
      ]
    }
  }
}
