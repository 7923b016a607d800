import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct AtomicWriteTests {
    @Test func replacesTheContentAndLeavesNothingElse() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.txt"
            try writeAtomically(Data("old".utf8), to: path)
            try writeAtomically(Data("new".utf8), to: path)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("new".utf8))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.txt"])
        }
    }

    @Test func nothingIsWrittenWell() throws {
        try withTemporaryFolder { folder in
            try writeAtomically(Data(), to: "\(folder)/a")
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/a")).isEmpty)
        }
    }

    @Test func aFailureIsTypedAndLeavesNothing() throws {
        try withTemporaryFolder { folder in
            func expectCannotWrite(_ path: String) {
                let error = #expect(throws: SignalError.self) {
                    try writeAtomically(Data("x".utf8), to: path)
                }
                guard case .cannotWrite(path, _) = error else {
                    Issue.record("another error: \(String(describing: error))")
                    return
                }
            }
            expectCannotWrite("\(folder)/no/such/folder/a.txt")
            // The name of a folder that is not empty cannot be taken: the last step fails.
            let taken = "\(folder)/taken"
            try FileManager.default.createDirectory(
                atPath: "\(taken)/inside", withIntermediateDirectories: true)
            expectCannotWrite(taken)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["taken"])
        }
    }
}
