internal import CKernels

extension TrainingStep {
  /// From the images to the loss and its gradient at the last layer.
  func forward(_ lane: StepLane, _ team: TeamState) {
    let batch = buffers.batch
    team.chunks(batch) { convolve1($0, lane) }
    team.barrier()
    lane.normalization1.finishStatistics(buffers.sums1, buffers.squares1)
    team.chunks(batch) { convolve2($0, lane) }
    team.barrier()
    lane.normalization2.finishStatistics(buffers.sums2, buffers.squares2)
    team.chunks(batch) { gatherFeatures($0, lane) }
    team.barrier()
    team.chunks(StepChunks.pieces1) { linear1($0) }
    team.barrier()
    team.chunks(StepChunks.pieces2) { linear2($0) }
    team.barrier()
    // So little work that every thread does it all.
    unsafe pth_linear(
      buffers.hidden2.base,
      buffers.parameters.at(places.linear3.weight),
      buffers.parameters.at(places.linear3.bias),
      Int32(batch),
      196,
      10,
      10,
      false,
      lane.logits.base
    )
    unsafe lane.loss = pth_cross_entropy(
      lane.logits.base,
      buffers.labels,
      Int32(batch),
      10,
      loss == .softmaxOutput,
      lane.logitsGradient.base,
      &lane.hits
    )
  }

  @inline(__always)
  private func convolve1(_ image: Int, _ lane: StepLane) {
    let padded = unsafe buffers.padded.at(image * StepBuffers.paddedLength)
    let source = unsafe buffers.images[image]
    for row in 0..<28 {
      unsafe (padded + (row + 1) * 30 + 1).update(
        from: source + row * 28,
        count: 28
      )
    }
    lane.run(lane.convolution1[image])
    buffers.sums1.clear(image * 16, 16)
    buffers.squares1.clear(image * 16, 16)
    unsafe pth_batch_statistics(
      buffers.map1.at(image * StepBuffers.mapLength1),
      buffers.running1.base,
      16,
      28,
      28,
      buffers.sums1.at(image * 16),
      buffers.squares1.at(image * 16)
    )
  }

  @inline(__always)
  private func convolve2(_ image: Int, _ lane: StepLane) {
    let pooled = image * StepBuffers.pooledLength1
    unsafe pth_normalize_relu_pool(
      buffers.map1.at(image * StepBuffers.mapLength1),
      lane.normalization1.scale.base,
      lane.normalization1.offset.base,
      16,
      28,
      28,
      buffers.pooled1.at(pooled),
      buffers.winner1 + pooled,
      buffers.chosen1.at(pooled)
    )
    lane.run(lane.convolution2[image])
    buffers.sums2.clear(image * 32, 32)
    buffers.squares2.clear(image * 32, 32)
    unsafe pth_batch_statistics(
      buffers.map2.at(image * StepBuffers.mapLength2),
      buffers.running2.base,
      32,
      14,
      14,
      buffers.sums2.at(image * 32),
      buffers.squares2.at(image * 32)
    )
  }

  @inline(__always)
  private func gatherFeatures(_ image: Int, _ lane: StepLane) {
    let pooled = image * StepBuffers.pooledLength2
    // The gradient's array is free until the backward pass.
    let blocked = unsafe buffers.pooledGradient2.at(pooled)
    unsafe pth_normalize_relu_pool(
      buffers.map2.at(image * StepBuffers.mapLength2),
      lane.normalization2.scale.base,
      lane.normalization2.offset.base,
      32,
      14,
      14,
      blocked,
      buffers.winner2 + pooled,
      buffers.chosen2.at(pooled)
    )
    unsafe pth_unblock(blocked, 32, 49, buffers.features.at(image * 1568))
  }

  @inline(__always)
  private func linear1(_ piece: Int) {
    let first = piece * StepChunks.rows1
    unsafe pth_linear(
      buffers.features.base,
      buffers.parameters.at(places.linear1.weight + first * 1568),
      buffers.parameters.at(places.linear1.bias + first),
      Int32(buffers.batch),
      1568,
      Int32(StepChunks.rows1),
      392,
      true,
      buffers.hidden1.at(first)
    )
  }

  @inline(__always)
  private func linear2(_ piece: Int) {
    let first = piece * StepChunks.rows2
    unsafe pth_linear(
      buffers.hidden1.base,
      buffers.parameters.at(places.linear2.weight + first * 392),
      buffers.parameters.at(places.linear2.bias + first),
      Int32(buffers.batch),
      392,
      Int32(StepChunks.rows2),
      196,
      true,
      buffers.hidden2.at(first)
    )
  }
}
