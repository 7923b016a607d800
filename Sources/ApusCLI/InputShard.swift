import ApusCorpus
import ArgumentParser

/// The I-th of N parts of the inputs, in a row: what one of N processes works on.
struct InputShard: ExpressibleByArgument {
    private let number: Int
    private let count: Int

    /// Reads `I/N`.
    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
            .map { Int($0) }
        guard parts.count == 2, let number = parts[0], let count = parts[1], count > 0,
            (1...count).contains(number)
        else { return nil }
        (self.number, self.count) = (number, count)
    }

    /// The positions of the part in a list.
    func range(of total: Int) -> Range<Int> {
        (number - 1) * total / count..<number * total / count
    }
}
