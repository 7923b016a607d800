// Nearest neighbours among stored embeddings.
//
//   NeighbourSearch INDEX.npy QUERIES.npy THREADS
//
// Prints "NAME VALUE" lines: seconds of each step, a sum over the rows that were found, peak memory in
// MB.
import ApusProbing
import ApusSignal
import ApusTensor
import Foundation

guard CommandLine.arguments.count == 4, let threads = Int(CommandLine.arguments[3]) else {
    print("usage: NeighbourSearch INDEX.npy QUERIES.npy THREADS")
    exit(64)
}
Engine.start(threadCount: threads)
let clock = ContinuousClock()

func timed<Result>(_ name: String, _ work: () throws -> Result) rethrows -> Result {
    let start = clock.now
    let result = try work()
    print("seconds-\(name)", String(format: "%.3f", (clock.now - start) / .seconds(1)))
    return result
}

let search = try timed("load") { try EmbeddingSearch(contentsOf: CommandLine.arguments[1]) }
let queries = try NumPyFile.read(CommandLine.arguments[2]).values
for count in [1, 32, 256] {
    let some = Array(queries[..<(count * search.width)])
    let found = timed("\(count)") { search.nearest(to: some, count: 10) }
    print("rows-\(count)", found.flatMap { $0 }.reduce(0) { $0 + $1.row })
}
let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
print("megabytes", (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) / 1024)
