import ApusCorpus
import ApusMetrics
import ApusNN
import ApusPretraining
import ApusProbing
import ApusReport
import ApusSignal
import ApusTensor
import ArgumentParser
import Foundation

/// Exit codes as `sysexits.h` numbers them.
enum ExitStatus {
    static let badData = ExitCode(65)
    static let missingInput = ExitCode(66)
    static let missingLibrary = ExitCode(69)
    static let ourFault = ExitCode(70)
    static let cannotWrite = ExitCode(73)

    /// The exit code for an error of the library, or `nil` for one that ArgumentParser knows.
    static func code(for error: any Error) -> ExitCode? {
        switch error {
        case let error as SignalError:
            switch error {
            case .missingFile: missingInput
            case .cannotWrite: cannotWrite
            case .invalidFrontEnd, .invalidRawFormat: ExitCode(64)
            default: badData
            }
        case let error as CorpusError:
            switch error {
            case .unreadable(let path, _), .nothingFound(let path, _):
                FileManager.default.fileExists(atPath: path) ? badData : missingInput
            case .cannotWrite: cannotWrite
            case .unknownPreparer, .invalidFractions, .invalidAugmentation: ExitCode(64)
            default: badData
            }
        case let error as PretrainingError:
            switch error {
            case .missingFile: missingInput
            case .cannotWrite: cannotWrite
            case .unknownKey, .badValue, .notYAML: ExitCode(64)
            default: badData
            }
        case let error as NNError:
            switch error {
            case .missingFile: missingInput
            case .cannotWrite: cannotWrite
            default: badData
            }
        case let error as ReportError:
            switch error {
            case .cannotWrite: cannotWrite
            case .notFinite: badData
            case .cannotRead(let path, _):
                FileManager.default.fileExists(atPath: path) ? badData : missingInput
            default: ourFault
            }
        case let error as ProbingError:
            switch error {
            case .badOption: ExitCode(64)
            default: badData
            }
        case is EngineError: missingLibrary
        case let error as ProcessError:
            switch error {
            case .badEnvironment: ExitCode(64)
            case .notJoined, .lost: missingLibrary
            }
        case is MetricsError: badData
        default: nil
        }
    }
}

extension Apus {
    /// Ends the process: usage and help as ArgumentParser prints them, all else as one line.
    static func exit(reporting error: any Error) -> Never {
        if let code = ExitStatus.code(for: error) {
            Console.error("\(error)")
            Foundation.exit(code.rawValue)
        }
        if error is CocoaError || error is POSIXError {
            Console.error(error.localizedDescription)
            Foundation.exit(ExitStatus.ourFault.rawValue)
        }
        exit(withError: error)
    }
}
