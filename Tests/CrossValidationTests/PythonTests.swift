import Testing

@Suite("Python in the test process")
struct PythonTests {
  @Test("a snippet gets arguments and gives values back")
  func valuesComeBack() throws {
    let sum: [Int] = try Python.value(
      "result = [len(data), number + 1, len(text)]",
      ["data": .bytes([1, 2, 0]), "number": 41, "text": "刘卓逸"]
    )
    #expect(sum == [3, 42, 3])
    let bytes = try Python.bytes("result = bytes([0, 255])")
    #expect(bytes == [0, 255])
    let floats = try Python.floats("result = torch.arange(3) / 2")
    #expect(floats == [0, 0.5, 1])
  }

  @Test("an exception arrives with its traceback")
  func exceptionsArrive() throws {
    let failure = try #require(throws: Python.Failure.self) {
      try Python.run("torch.ones(2) @ torch.ones(3)")
    }
    #expect(failure.description.contains("RuntimeError"))
    #expect(failure.description.contains("<snippet>"))
  }

  @Test("torch works on many threads at once")
  func manyThreads() async throws {
    let sums = try await withThrowingTaskGroup(of: Double.self) { group in
      for index in 0..<32 {
        group.addTask {
          try Python.value(
            "result = torch.full((100, 100), float(n)).mm(torch.ones(100, 1))"
              + ".sum().item()",
            ["n": .integer(index)]
          )
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(sums == (0..<32).map { Double($0) * 10_000 }.reduce(0, +))
  }
}
