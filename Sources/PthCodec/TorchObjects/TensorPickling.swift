internal import OrderedCollections
internal import Tensors

/// Where a tensor's pickle goes: a graph, or the bytes themselves.
///
/// Values are put in the order in which Python's pickler meets them, a
/// callable before its arguments, and a tuple's elements between its begin and
/// its end. What Python has as one object is put as one.
protocol TensorPickling: ~Copyable {
  mutating func putInt(_ value: Int)
  mutating func putBool(_ value: Bool)
  mutating func putFloat(_ value: Double)

  /// Text that PyTorch's own code has as a constant: one object.
  mutating func putConstant(_ text: TorchConstant)

  /// The device that a storage was saved from: one object.
  mutating func putDevice(_ name: String)

  /// Text that Python makes anew, unless it is empty or one Latin letter: of
  /// those it keeps one object each.
  mutating func putText(_ value: String)

  /// A class or function: one object.
  mutating func putGlobal(_ global: TorchGlobal)

  /// The text that names a storage, known or new.
  mutating func putKey(
    of storage: Storage,
    as type: StorageType,
    location: String
  )

  mutating func beginTuple(_ count: Int)
  mutating func endTuple(_ count: Int)

  /// Makes the tuple before a persistent id.
  mutating func putPersistentID()

  /// Calls the value before last with the tuple before.
  mutating func putCall()

  /// An empty dictionary.
  mutating func putDict()

  /// Puts `count` pairs into the dictionary before, by calling `pair` with
  /// their numbers; it puts a key and a value each.
  mutating func putItems(_ count: Int, _ pair: (inout Self, Int) -> Void)

  /// Gives the object before last the state before.
  mutating func putState()

  /// The call that rebuilds a tensor; ``putTensorCall(_:)`` puts it.
  mutating func putTensor(_ tensor: Tensor)
}

extension TensorPickling where Self: ~Copyable {
  mutating func putTensor(_ tensor: Tensor) { putTensorCall(tensor) }

  /// The call that rebuilds a tensor, value after value.
  mutating func putTensorCall(_ tensor: Tensor) {
    guard !tensor.storage.isMeta else { return putMetaTensor(tensor) }
    let type = StorageType(writing: tensor.dtype)
    let isChanged = tensor.isConjugate || tensor.isNegative
    var count = isChanged ? 7 : 6
    if type == .untyped {
      putGlobal(.rebuildTensorV3)
      count += 1
    } else if tensor.quantization != nil {
      putGlobal(.rebuildQTensor)
    } else {
      putGlobal(.rebuildTensorV2)
    }
    if tensor.quantization != nil { count += 1 }
    beginTuple(count)
    putStorage(tensor.storage, as: type, location: tensor.device)
    putInt(tensor.layout.offset)
    putTuple(tensor.layout.shape)
    putTuple(tensor.layout.strides)
    if let quantization = tensor.quantization { put(quantization) }
    putBool(tensor.requiresGrad)
    putOrderedDict()
    if type == .untyped { putGlobal(.dtype(tensor.dtype)) }
    if isChanged { putChanges(of: tensor) }
    endTuple(count)
    putCall()
  }

  /// `('storage', type, key, location, count)` as a persistent id.
  mutating func putStorage(
    _ storage: Storage,
    as type: StorageType,
    location: String
  ) {
    beginTuple(5)
    putConstant(.storage)
    putGlobal(.storage(type))
    putKey(of: storage, as: type, location: location)
    putDevice(location)
    putInt(storage.byteCount / type.countedDType.itemSize)
    endTuple(5)
    putPersistentID()
  }

  /// The dictionary of what the elements are to be read as.
  private mutating func putChanges(of tensor: Tensor) {
    var names: [TorchConstant] = []
    if tensor.isConjugate { names.append(.conj) }
    if tensor.isNegative { names.append(.neg) }
    putDict()
    putItems(names.count) { target, index in
      target.putConstant(names[index])
      target.putBool(true)
    }
  }

  private mutating func putMetaTensor(_ tensor: Tensor) {
    putGlobal(.rebuildMetaTensor)
    beginTuple(4)
    putGlobal(.dtype(tensor.dtype))
    putTuple(tensor.layout.shape)
    putTuple(tensor.layout.strides)
    putBool(tensor.requiresGrad)
    endTuple(4)
    putCall()
  }

  private mutating func put(_ quantization: Quantization) {
    switch quantization {
    case .perTensor(let scale, let zeroPoint):
      beginTuple(3)
      putGlobal(.perTensorAffine)
      putFloat(scale)
      putInt(zeroPoint)
      endTuple(3)
    case .perChannel(let scales, let zeroPoints, let axis, let isFloat):
      beginTuple(4)
      putGlobal(isFloat ? .perChannelAffineFloat : .perChannelAffine)
      putTensor(scales)
      putTensor(zeroPoints)
      putInt(axis)
      endTuple(4)
    }
  }

  /// An empty OrderedDict.
  private mutating func putOrderedDict() {
    putGlobal(.orderedDict)
    beginTuple(0)
    endTuple(0)
    putCall()
  }

  private mutating func putTuple(_ numbers: [Int]) {
    beginTuple(numbers.count)
    for number in numbers { putInt(number) }
    endTuple(numbers.count)
  }

  /// The object that holds named tensors as `state_dict()` does.
  mutating func putStateDict(
    _ tensors: OrderedDictionary<String, Tensor>,
    moduleVersions: OrderedDictionary<String, Int>
  ) {
    putOrderedDict()
    let elements = tensors.elements
    putItems(elements.count) { target, index in
      let (name, tensor) = elements[index]
      target.putText(name)
      target.putTensor(tensor)
    }
    if !moduleVersions.isEmpty { putModuleVersions(moduleVersions) }
  }

  /// Gives the state dict before the attribute with its modules' versions.
  mutating func putModuleVersions(
    _ moduleVersions: OrderedDictionary<String, Int>
  ) {
    putDict()
    putItems(1) { target, _ in
      target.putConstant(.metadata)
      target.putOrderedDict()
      let versions = moduleVersions.elements
      target.putItems(versions.count) { target, index in
        target.putText(versions[index].key)
        target.putDict()
        target.putItems(1) { target, _ in
          target.putConstant(.version)
          target.putInt(versions[index].value)
        }
      }
    }
    putState()
  }

  /// A checkpoint that has no pickle of its own: a bare tensor or a state dict.
  mutating func putObject(of checkpoint: Checkpoint) {
    if checkpoint.tensors.count == 1, checkpoint.moduleVersions.isEmpty,
      let (name, tensor) = checkpoint.tensors.elements.first,
      name == Checkpoint.bareTensorName
    {
      putTensor(tensor)
    } else {
      putStateDict(
        checkpoint.tensors,
        moduleVersions: checkpoint.moduleVersions
      )
    }
  }
}

extension String {
  /// Whether Python keeps one object of the text: of none and of one Latin
  /// letter.
  var isSharedInPython: Bool {
    let length = utf8.count
    return length <= 2 && unicodeScalars.count <= 1
      && unicodeScalars.allSatisfy { $0.value < 0x100 }
  }
}
