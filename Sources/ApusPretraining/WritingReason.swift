import ApusReport
import ApusSignal
import Foundation

/// Why something could not be written, in the system's words.
///
/// - Parameter error: What Foundation or a module of ours threw.
/// - Returns: A few words without the path.
public func writingReason(_ error: any Error) -> String {
    switch error {
    case SignalError.cannotWrite(_, let reason), ReportError.cannotWrite(_, let reason):
        return reason
    default:
        // Foundation's own text is a number; the system's error lies beneath it.
        if let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error {
            let system = cause as NSError
            if system.domain == NSPOSIXErrorDomain {
                return String(cString: strerror(Int32(system.code)))
            }
        }
        return "\(error)"
    }
}
