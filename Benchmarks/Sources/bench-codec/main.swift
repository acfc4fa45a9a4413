// Times the codec: what Benchmarks/codec/run asks for, line by line.
//
//     bench-codec            answers lines of standard input
//     bench-codec TASK ARG… [+ TASK ARG…]…  does each task once, for callgrind
//
// A line is a task and its arguments, with tabs between them. The answer is the
// seconds that it took, or `error:` and why. What a task makes is released
// after the clock has stopped, as Python's objects are.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

let bench = Bench()
let arguments = CommandLine.arguments.dropFirst()
if !arguments.isEmpty {
  do {
    for words in arguments.split(separator: "+") {
      print(try bench.run(words.first ?? "", Array(words.dropFirst())))
    }
  } catch {
    print("error: \(error)")
    exit(1)
  }
} else {
  while let line = readLine() {
    let words = line.split(separator: "\t", omittingEmptySubsequences: false)
      .map(String.init)
    do {
      print(try bench.run(words[0], Array(words.dropFirst())))
    } catch {
      print("error: \(error)".replacing("\n", with: " "))
    }
    fflush(nil)
  }
}
