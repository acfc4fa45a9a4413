internal import CKernels

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension TrainingStep {
  /// The first convolution's and BatchNorm's parameters come first.
  private static let firstCount = 192

  /// Clips the gradient and lets Adam make its step.
  func update(_ lane: StepLane, _ team: TeamState, thread: Int) {
    finishFirstGradient(lane)
    var total = unsafe pth_sum_of_squares(
      lane.firstGradient.base,
      Int32(Self.firstCount)
    )
    for slot in 0..<StepChunks.normCount {
      total += unsafe buffers.norms.at(slot).pointee
    }
    lane.norm = total.squareRoot()
    var options = adam
    options.clip = Float(min(1, optimizer.clipNorm / (lane.norm + 1e-6)))
    let first = places.linear1.weight
    let rest = buffers.parameters.count - first
    let pieces = (rest + StepChunks.adam - 1) / StepChunks.adam
    team.chunks(pieces + 1) { piece in
      if piece == 0 {
        updateConvolutions(options, lane)
      } else {
        let start = first + (piece - 1) * StepChunks.adam
        let count = min(StepChunks.adam, buffers.parameters.count - start)
        step(options, start, count)
      }
    }
    if thread == 0 {
      lane.normalization1.updateRunning(buffers.block1)
      lane.normalization2.updateRunning(buffers.block2)
    }
  }

  /// Adds up the images' parts, on every thread for itself.
  private func finishFirstGradient(_ lane: StepLane) {
    let batch = buffers.batch
    unsafe pth_add_parts(
      buffers.block1.weightParts.base,
      Int32(batch),
      144,
      144,
      lane.firstGradient.base
    )
    for channel in 0..<16 {
      unsafe lane.firstGradient.base[144 + channel] = buffers.block1
        .biasGradient(channel, batch: batch)
    }
    unsafe lane.firstGradient.at(160).update(
      from: lane.normalization1.gammaGradient.base,
      count: 16
    )
    unsafe lane.firstGradient.at(176).update(
      from: lane.normalization1.betaGradient.base,
      count: 16
    )
  }

  /// The convolutions' step, after which oneDNN gets their weights anew.
  private func updateConvolutions(_ options: pth_adam, _ lane: StepLane) {
    unsafe buffers.gradient.base.update(
      from: lane.firstGradient.base,
      count: Self.firstCount
    )
    step(options, 0, places.linear1.weight)
    for call in lane.pack { lane.run(call) }
  }

  @inline(__always)
  private func step(_ options: pth_adam, _ start: Int, _ count: Int) {
    unsafe withUnsafePointer(to: options) {
      unsafe pth_adam_step(
        $0,
        buffers.gradient.at(start),
        Int32(count),
        buffers.parameters.at(start),
        buffers.adamMean.at(start),
        buffers.adamSquare.at(start)
      )
    }
  }

  /// The numbers of this step that are the same for all parameters.
  func prepareAdam() {
    let step = Double(stepCount)
    adam.clip = 1
    adam.weight_decay = Float(optimizer.weightDecay)
    adam.beta1 = Float(optimizer.beta1)
    adam.beta2 = Float(optimizer.beta2)
    adam.rest1 = Float(1 - optimizer.beta1)
    adam.rest2 = Float(1 - optimizer.beta2)
    adam.epsilon = Float(optimizer.epsilon)
    let correction1 = 1 - pow(optimizer.beta1, step)
    let correction2 = 1 - pow(optimizer.beta2, step)
    adam.step_size = Float(optimizer.learningRate / correction1)
    adam.root_correction = Float(correction2.squareRoot())
  }
}
