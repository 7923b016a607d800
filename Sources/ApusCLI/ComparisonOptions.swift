import ApusProbing
import ArgumentParser

extension SystemPair: ExpressibleByArgument {
    /// Reads `FIRST=SECOND`.
    ///
    /// - Parameter argument: The text.
    public init?(argument: String) { self.init(argument) }
}

/// Which systems of a table are compared beside those that always are.
struct ComparisonOptions: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Test two more systems of the table against each other; may be repeated.",
            discussion: "By their names, such as 'CPC=MFCC statistics'.", valueName: "first=second")
    )
    var compare: [SystemPair] = []
}
