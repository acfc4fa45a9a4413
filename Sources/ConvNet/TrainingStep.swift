internal import CKernels
internal import COneDNN
internal import Tensors

/// One training step of the network, ready to be run again and again.
///
/// All memory and all calls are made once. The threads of a team run the same
/// phases; in each they take pieces of fixed extent until none is left, and a
/// barrier follows. No result depends on who took which piece.
@safe
final class TrainingStep: TeamJob {
  let buffers: StepBuffers
  let lanes: [StepLane]
  let places = ParameterStarts()
  let optimizer: AdamOptions
  let loss: LossKind
  var adam = pth_adam()

  /// The steps that the optimizer has made.
  private(set) var stepCount = 0

  /// The batches that the running statistics have seen.
  private(set) var batchesTracked: Int64 = 0

  private let library: OneDNN
  private let operations: StepOperations
  private let team: WorkerTeam
  private let imageMemories: [Memory]

  /// What a step tells.
  struct Result: Equatable {
    let loss: Float
    let hits: Int
    /// The gradient's norm before it was clipped.
    let norm: Double
  }

  init(
    _ model: MyConvNet,
    batch: Int,
    optimizer: AdamOptions = AdamOptions(),
    loss: LossKind = .softmaxOutput,
    threads: Int = 2
  ) throws(ConvNetError) {
    self.optimizer = optimizer
    self.loss = loss
    let team = try WorkerTeam(threads: threads)
    self.team = team
    let parts = try withOneOpenMPThread { () throws(ConvNetError) in
      try Self.prepare(batch: batch, threads: team.threads)
    }
    library = parts.library
    operations = parts.operations
    buffers = parts.buffers
    unsafe imageMemories = parts.images
    lanes = parts.lanes
    try load(model)
  }

  @safe
  private struct Parts {
    let library: OneDNN
    let operations: StepOperations
    let buffers: StepBuffers
    let images: [Memory]
    let lanes: [StepLane]
  }

  private static func prepare(
    batch: Int,
    threads: Int
  ) throws(ConvNetError) -> Parts {
    let library = try OneDNN(threads: threads)
    let operations = try StepOperations(library, batch: batch)
    let buffers = StepBuffers(
      batch: batch,
      weightPart2: operations.weightGradient2.weightGradientCount
    )
    var images: [Memory] = unsafe []
    for _ in 0..<batch {
      unsafe images.append(
        try library.memory(StepOperations.shape1.source(), buffers.padded)
      )
    }
    var lanes: [StepLane] = []
    for thread in 0..<threads {
      lanes.append(
        try unsafe StepLane(
          library,
          operations,
          buffers,
          images: images,
          thread: thread
        )
      )
    }
    return unsafe Parts(
      library: library,
      operations: operations,
      buffers: buffers,
      images: images,
      lanes: lanes
    )
  }

  /// Starts from a model's parameters and running statistics.
  func load(_ model: MyConvNet) throws(ConvNetError) {
    let state = model.stateDict()
    try ParameterArena.network.read(into: buffers.parameters) { state[$0] }
    for (block, normalization) in [
      (buffers.block1, model.normalization1),
      (buffers.block2, model.normalization2),
    ] {
      block.running.write(normalization.runningMean.values)
      block.running.write(
        normalization.runningVariance.values,
        at: block.channels
      )
    }
    batchesTracked = model.normalization1.batchesTracked.values.first ?? 0
    withOneOpenMPThread {
      for call in lanes[0].pack { lanes[0].run(call) }
    }
    try checkStatus()
  }

  /// Goes on with an optimizer's averages after `steps` steps.
  func load(
    adamMean: (String) -> Tensor?,
    adamSquare: (String) -> Tensor?,
    steps: Int
  ) throws(ConvNetError) {
    try ParameterArena.network.read(into: buffers.adamMean, adamMean)
    try ParameterArena.network.read(into: buffers.adamSquare, adamSquare)
    stepCount = steps
  }

  /// The parameters and running statistics as they are now.
  func model() throws(ConvNetError) -> MyConvNet {
    var state = StateDict()
    for (key, tensor) in try ParameterArena.network.tensors(
      of: buffers.parameters
    ) {
      state[key] = tensor
    }
    do {
      for (name, block) in [
        ("cnn.1.", buffers.block1), ("cnn.5.", buffers.block2),
      ] {
        let (running, width) = (block.running, block.channels)
        state[name + "running_mean"] = try Tensor(running.array(0..<width))
        state[name + "running_var"] = try Tensor(
          running.array(width..<2 * width)
        )
        state[name + "num_batches_tracked"] = try Tensor(
          [batchesTracked],
          shape: []
        )
      }
      return try MyConvNet(state)
    } catch {
      throw .unreadable(of: "the network", reason: "\(error)")
    }
  }

  /// Learns from one batch.
  ///
  /// `images` has the address of each image's 784 floats.
  func run(
    _ images: UnsafeBufferPointer<UnsafePointer<Float>>,
    _ labels: UnsafeBufferPointer<Int64>
  ) throws(ConvNetError) -> Result {
    guard images.count == buffers.batch, labels.count == buffers.batch else {
      throw .shape(
        of: "the batch",
        expected: "\(buffers.batch) images and labels",
        actual: [images.count, labels.count]
      )
    }
    for index in 0..<buffers.batch {
      unsafe buffers.images[index] = images[index]
      unsafe buffers.labels[index] = labels[index]
      unsafe library.point(imageMemories[index], at: images[index])
    }
    stepCount += 1
    batchesTracked &+= 1
    prepareAdam()
    team.run(self, paced: true)
    try checkStatus()
    let lane = lanes[0]
    return Result(loss: lane.loss, hits: Int(lane.hits), norm: lane.norm)
  }

  func work(thread: Int, team: TeamState) {
    let lane = lanes[thread]
    forward(lane, team)
    backward(lane, team)
    update(lane, team, thread: thread)
  }

  private func checkStatus() throws(ConvNetError) {
    for lane in lanes where lane.status != 0 {
      let status = lane.status
      lane.status = 0
      throw .oneDNN(call: "the training step", status: status)
    }
  }
}
