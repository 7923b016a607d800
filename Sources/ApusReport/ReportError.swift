/// What can be wrong with data that is reported, or with the place it is written to.
public enum ReportError: Error, CustomStringConvertible, Equatable, Sendable {
    /// A file or folder cannot be written.
    ///
    /// - Parameters:
    ///   - path: The file or folder.
    ///   - reason: What the system says.
    case cannotWrite(path: String, reason: String)

    /// A file cannot be read, or does not hold what it should.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - reason: What is wrong, and where in the file.
    case cannotRead(path: String, reason: String)

    /// The PNG library refused a picture.
    ///
    /// - Parameter reason: What the library says.
    case imageCoding(reason: String)

    /// A number is NaN or infinite where none can be.
    ///
    /// - Parameters:
    ///   - what: What the numbers are.
    ///   - row: The first row with such a number, from 0.
    case notFinite(what: String, row: Int)

    /// The built-in page template does not parse.
    ///
    /// - Parameter reason: What the template engine says.
    case template(reason: String)

    /// What went wrong, in a sentence.
    public var description: String {
        switch self {
        case .cannotWrite(let path, let reason):
            "\(path): cannot be written: \(reason)"
        case .cannotRead(let path, let reason):
            "\(path): cannot be read: \(reason)"
        case .imageCoding(let reason):
            "the picture cannot be written as PNG: \(reason)"
        case .notFinite(let what, let row):
            "\(what): expected finite numbers, found NaN or infinity in row \(row)"
        case .template(let reason):
            "the report's page template does not parse: \(reason)"
        }
    }
}
