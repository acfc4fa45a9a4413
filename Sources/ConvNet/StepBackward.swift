internal import CKernels

extension TrainingStep {
  /// From the last layer's gradient to every parameter's.
  func backward(_ lane: StepLane, _ team: TeamState) {
    let batch = buffers.batch
    // So little work that every thread does it all.
    lane.run(lane.linear3.inputGradient[0])
    unsafe pth_relu_gradient(
      buffers.hidden2.base,
      Int32(batch),
      196,
      196,
      lane.hiddenGradient2.base
    )
    let columns2 = StepChunks.columnPieces2
    team.chunks(columns2 + StepChunks.pieces2 + 1) { piece in
      if piece < columns2 {
        hiddenGradient(piece, lane)
      } else if piece < columns2 + StepChunks.pieces2 {
        weightGradient2(piece - columns2, lane)
      } else {
        smallGradients(lane)
      }
    }
    team.barrier()
    let columns1 = StepChunks.columnPieces1
    team.chunks(columns1 + StepChunks.pieces1 + 1) { piece in
      if piece < columns1 {
        lane.run(lane.linear1.inputGradient[piece])
      } else if piece < columns1 + StepChunks.pieces1 {
        weightGradient1(piece - columns1, lane)
      } else {
        biasGradient1()
      }
    }
    team.barrier()
    team.chunks(batch) { featureGradient($0, lane) }
    team.barrier()
    lane.normalization2.finishGradient(
      buffers.gradientSums2,
      buffers.gradientProducts2
    )
    team.chunks(batch) { convolutionGradient2($0, lane) }
    team.barrier()
    lane.normalization1.finishGradient(
      buffers.gradientSums1,
      buffers.gradientProducts1
    )
    team.chunks(batch + 1) { piece in
      if piece == 0 {
        addWeightParts2(lane)
      } else {
        convolutionGradient1(piece - 1, lane)
      }
    }
    team.barrier()
  }

  @inline(__always)
  private func hiddenGradient(_ piece: Int, _ lane: StepLane) {
    lane.run(lane.linear2.inputGradient[piece])
    let first = piece * StepChunks.columns2
    unsafe pth_relu_gradient(
      buffers.hidden1.at(first),
      Int32(buffers.batch),
      Int32(StepChunks.columns2),
      392,
      buffers.hiddenGradient1.at(first)
    )
  }

  @inline(__always)
  private func weightGradient2(_ piece: Int, _ lane: StepLane) {
    lane.run(lane.linear2.weightGradient[piece])
    let length = StepChunks.rows2 * 392
    let start = places.linear2.weight + piece * length
    note(
      StepChunks.normLinear2 + piece,
      squares(start, length)
    )
  }

  @inline(__always)
  private func weightGradient1(_ piece: Int, _ lane: StepLane) {
    lane.run(lane.linear1.weightGradient[piece])
    let length = StepChunks.rows1 * 1568
    let start = places.linear1.weight + piece * length
    note(StepChunks.normLinear1 + piece, squares(start, length))
  }

  /// The last layer's weights and the last two layers' biases.
  @inline(__always)
  private func smallGradients(_ lane: StepLane) {
    let rows = Int32(buffers.batch)
    lane.run(lane.linear3.weightGradient[0])
    let bias3 = places.linear3.bias
    let bias2 = places.linear2.bias
    unsafe pth_column_sums(
      lane.logitsGradient.base,
      rows,
      10,
      10,
      buffers.gradient.at(bias3)
    )
    unsafe pth_column_sums(
      lane.hiddenGradient2.base,
      rows,
      196,
      196,
      buffers.gradient.at(bias2)
    )
    note(
      StepChunks.normSmall,
      squares(places.linear3.weight, 1960) + squares(bias3, 10)
        + squares(bias2, 196)
    )
  }

  @inline(__always)
  private func biasGradient1() {
    let bias = places.linear1.bias
    unsafe pth_column_sums(
      buffers.hiddenGradient1.base,
      Int32(buffers.batch),
      392,
      392,
      buffers.gradient.at(bias)
    )
    note(StepChunks.normBias1, squares(bias, 392))
  }

  @inline(__always)
  private func featureGradient(_ image: Int, _ lane: StepLane) {
    let pooled = image * StepBuffers.pooledLength2
    let blocked = unsafe buffers.pooledGradient2.at(pooled)
    unsafe pth_block(buffers.featureGradient.at(image * 1568), 32, 49, blocked)
    buffers.gradientSums2.clear(image * 32, 32)
    buffers.gradientProducts2.clear(image * 32, 32)
    unsafe pth_normalize_gradient_sums(
      blocked,
      buffers.winner2 + pooled,
      buffers.chosen2.at(pooled),
      lane.normalization2.mean.base,
      32,
      49,
      buffers.gradientSums2.at(image * 32),
      buffers.gradientProducts2.at(image * 32)
    )
  }

  @inline(__always)
  private func convolutionGradient2(_ image: Int, _ lane: StepLane) {
    let pooled2 = image * StepBuffers.pooledLength2
    let normalization = lane.normalization2
    buffers.totals2.clear(image * 32, 32)
    unsafe pth_normalize_gradient(
      buffers.map2.at(image * StepBuffers.mapLength2),
      buffers.pooledGradient2.at(pooled2),
      buffers.winner2 + pooled2,
      normalization.gain.base,
      normalization.slope.base,
      normalization.constant.base,
      32,
      14,
      14,
      lane.mapGradient2.base,
      buffers.totals2.at(image * 32)
    )
    lane.run(lane.weightGradient2[image])
    lane.run(lane.inputGradient2[image])
    let pooled1 = image * StepBuffers.pooledLength1
    buffers.gradientSums1.clear(image * 16, 16)
    buffers.gradientProducts1.clear(image * 16, 16)
    unsafe pth_normalize_gradient_sums(
      buffers.pooledGradient1.at(pooled1),
      buffers.winner1 + pooled1,
      buffers.chosen1.at(pooled1),
      lane.normalization1.mean.base,
      16,
      196,
      buffers.gradientSums1.at(image * 16),
      buffers.gradientProducts1.at(image * 16)
    )
  }

  @inline(__always)
  private func convolutionGradient1(_ image: Int, _ lane: StepLane) {
    let pooled = image * StepBuffers.pooledLength1
    let normalization = lane.normalization1
    buffers.totals1.clear(image * 16, 16)
    unsafe pth_first_weight_gradient(
      buffers.padded.at(image * StepBuffers.paddedLength),
      buffers.map1.at(image * StepBuffers.mapLength1),
      buffers.pooledGradient1.at(pooled),
      buffers.winner1 + pooled,
      normalization.gain.base,
      normalization.slope.base,
      normalization.constant.base,
      16,
      28,
      28,
      lane.rows1.base,
      buffers.weightParts1.at(image * 144),
      buffers.totals1.at(image * 16)
    )
  }

  /// Everything of the second convolution and its BatchNorm.
  @inline(__always)
  private func addWeightParts2(_ lane: StepLane) {
    let part = buffers.weightParts2.count / buffers.batch
    unsafe pth_add_parts(
      buffers.weightParts2.base,
      Int32(buffers.batch),
      Int32(part),
      Int32(part),
      lane.sumParts.base
    )
    lane.run(lane.unpack2)
    let bias = places.convolution2.bias
    for channel in 0..<32 {
      unsafe buffers.gradient.base[bias + channel] = Float(
        buffers.totals2.total(channel, parts: buffers.batch, width: 32)
      )
    }
    let gamma = places.normalization2.weight
    unsafe buffers.gradient.at(gamma).update(
      from: lane.normalization2.gammaGradient.base,
      count: 32
    )
    let beta = places.normalization2.bias
    unsafe buffers.gradient.at(beta).update(
      from: lane.normalization2.betaGradient.base,
      count: 32
    )
    let first = places.convolution2.weight
    note(
      StepChunks.normConvolution2,
      squares(first, beta + 32 - first)
    )
  }

  /// The sum of squares of a part of the gradient.
  @inline(__always)
  private func squares(_ start: Int, _ count: Int) -> Double {
    unsafe pth_sum_of_squares(buffers.gradient.at(start), Int32(count))
  }

  @inline(__always)
  private func note(_ slot: Int, _ sum: Double) {
    unsafe buffers.norms.at(slot).pointee = sum
  }
}
