import Foundation

/// What the command says while it works: everything but results, on standard error.
enum Console {
    /// Whether standard error is a terminal that can redraw a line.
    static let isTerminal = isatty(2) == 1

    static func message(_ text: String) { write(clearing + text + "\n") }
    static func warning(_ text: String) { write(clearing + "warning: " + text + "\n") }

    /// The first of many warnings, and where the others stand.
    static func warnings(_ texts: [String], rest: String?) {
        for text in texts.prefix(10) { warning(text) }
        if texts.count > 10 {
            let place = rest.map { ", listed in \($0)" } ?? ""
            warning("and \(texts.count - 10) more\(place)")
        }
    }

    static func error(_ text: String) { write(clearing + "error: " + text + "\n") }

    /// What removes a progress bar from the line.
    static var clearing: String { isTerminal ? "\r\u{1B}[K" : "" }

    static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

/// Prints a value as JSON for people and programs.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// Progress of pieces of work one after the other, each with a display of its own.
struct WorkProgress {
    private var work = ""
    private var display: ProgressDisplay?

    mutating func update(_ done: Int, of total: Int, _ now: String, _ detail: String = "") {
        if now != work {
            work = now
            display = ProgressDisplay(total: total, unit: now)
        }
        display?.update(done, detail)
    }
}

/// Progress of long work: a bar on a terminal, a plain line now and then elsewhere.
final class ProgressDisplay {
    /// What there is to do; it may turn out to be more or less.
    var total: Int
    private let unit: String
    private let clock = ContinuousClock()
    private let began: ContinuousClock.Instant
    private var drawn: ContinuousClock.Instant

    /// Seconds between two drawings of the bar, and between two plain lines.
    private let interval: Duration = Console.isTerminal ? .milliseconds(100) : .seconds(10)

    init(total: Int, unit: String) {
        self.total = total
        self.unit = unit
        began = clock.now
        drawn = began
    }

    /// Shows how much is done, unless it was shown just now.
    func update(_ done: Int, _ detail: String = "") {
        let now = clock.now
        guard done == total || now - drawn >= interval else { return }
        drawn = now
        let elapsed = (now - began) / .seconds(1)
        let left = done > 0 ? elapsed / Double(done) * Double(total - done) : 0
        let counts = "\(done)/\(total) \(unit)"
        let rest =
            done < total ? String(format: "%.0f s left", left) : String(format: "%.1f s", elapsed)
        let line = [counts, detail, rest].filter { !$0.isEmpty }.joined(separator: "  ")
        if Console.isTerminal {
            let filled = total > 0 ? 24 * done / total : 24
            let bar =
                String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
            Console.write(Console.clearing + bar + " " + line + (done == total ? "\n" : ""))
        } else {
            Console.write(line + "\n")
        }
    }
}
