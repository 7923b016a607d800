import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct NumPyArchiveTests {
    private let features = FeatureMatrix(
        values: [1, -2, 3.5, 4, 5, 6], frameCount: 2, featureCount: 3)

    @Test(arguments: ["stored", "deflated"])
    func arraysOfNumPyAreRead(name: String) throws {
        let archive = try NumPyArchive(contentsOf: "\(references)/archive-\(name).npz")
        let other = try KaldiScript(contentsOf: "\(references)/archive-float.scp")
        #expect(archive.names == other.entries.map(\.key))
        for name in archive.names {
            let array = try archive.read(name)
            let matrix = try #require(try other.read(name).features)
            #expect(array.shape == [matrix.frameCount, matrix.featureCount])
            #expect(array.values == matrix.values)
        }
        #expect(throws: SignalError.noSuchKey(path: archive.path, key: "absent")) {
            try archive.read("absent")
        }
    }

    @Test func whatIsWrittenIsReadBack() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.npz"
            let large = FeatureMatrix(
                values: noise(count: 80_000), frameCount: 1000, featureCount: 80)
            let writer = try NumPyArchiveWriter(path: path)
            try writer.append(features, name: "one")
            try writer.begin("in/parts", featureCount: 80)
            for start in stride(from: 0, to: 1000, by: 300) {
                try writer.append(large.rows(in: start..<min(1000, start + 300)))
            }
            try writer.end()
            try writer.append(
                FeatureMatrix(values: [], frameCount: 0, featureCount: 5), name: "leer & schön")
            #expect(!FileManager.default.fileExists(atPath: path))
            try writer.finish()
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.npz"])
            let archive = try NumPyArchive(contentsOf: path)
            #expect(archive.names == ["one", "in/parts", "leer & schön"])
            #expect(try archive.read("one") == NumPyArray(features))
            #expect(try archive.read("in/parts") == NumPyArray(large))
            #expect(try archive.read("leer & schön").shape == [0, 5])
        }
    }

    @Test func anArchiveOfManyMembersHasAWideList() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.npz"
            let writer = try NumPyArchiveWriter(path: path)
            let one = FeatureMatrix(values: [1], frameCount: 1, featureCount: 1)
            for index in 0..<66_000 { try writer.append(one, name: "\(index)") }
            try writer.finish()
            let archive = try NumPyArchive(contentsOf: path)
            #expect(archive.names.count == 66_000)
            #expect(try archive.read("65999").values == [1])
        }
    }

    @Test(arguments: ["", "nul\0", "one"])
    func namesThatAnArchiveCannotHaveAreRefused(name: String) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.npz"
            let writer = try NumPyArchiveWriter(path: path)
            try writer.append(features, name: "one")
            let error = #expect(throws: SignalError.self) {
                try writer.append(features, name: name)
            }
            guard case .invalidKey(path, name, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            try writer.finish()
            #expect(try NumPyArchive(contentsOf: path).names == ["one"])
        }
    }

    @Test func anArchiveGoesOnAfterItsLastWholeMember() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.npz"
            func write(_ names: [String], keeping kept: [String]) throws -> [UInt8] {
                let writer = try NumPyArchiveWriter(path: path, keeping: kept)
                for name in names { try writer.append(features, name: name) }
                #expect(writer.names == ["one", "two", "three"])
                try writer.finish()
                return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            }
            let whole = try write(["one", "two", "three"], keeping: [])
            // A finished one.
            #expect(try write(["three"], keeping: ["one", "two"]) == whole)
            #expect(try write([], keeping: ["one", "two", "three"]) == whole)
            // One that was killed while it wrote the third member, or while it wrote the second.
            let member = whole.count / 3 - 60
            try FileManager.default.removeItem(atPath: path)
            try Data(whole.prefix(2 * member + 100)).write(
                to: URL(fileURLWithPath: path + ".part"))
            #expect(try write(["three"], keeping: ["one", "two"]) == whole)
            try Data(whole.prefix(member + 100)).write(to: URL(fileURLWithPath: path + ".part"))
            #expect(try write(["two", "three"], keeping: ["one", "two"]) == whole)
        }
    }

    @Test func damageIsATypedError() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.npz"
            for name in ["stored", "deflated"] {
                let whole = [UInt8](
                    try Data(
                        contentsOf: URL(fileURLWithPath: "\(references)/archive-\(name).npz")))
                func readAll(_ bytes: [UInt8]) throws -> Int {
                    try Data(bytes).write(to: URL(fileURLWithPath: path))
                    let archive = try NumPyArchive(contentsOf: path)
                    return try archive.names.map { try archive.read($0).values.count }
                        .reduce(0, +)
                }
                let count = try readAll(whole)
                for end in stride(from: 1, to: whole.count, by: 7) {
                    #expect(throws: SignalError.self) { try readAll(Array(whole[..<end])) }
                }
                // A damaged byte is found, or it lies where nothing hangs on it, such as a date.
                for place in stride(from: 0, to: whole.count, by: 5) {
                    var damaged = whole
                    damaged[place] ^= 0xFF
                    do {
                        #expect(try readAll(damaged) <= count)
                    } catch is SignalError {
                    }
                }
            }
            for text in ["", "text", String(repeating: "PK\u{5}\u{6}", count: 50)] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
                #expect(throws: SignalError.self) { try NumPyArchive(contentsOf: path) }
            }
        }
    }
}

extension NumPyArray {
    /// Features as an array, by way of a file.
    fileprivate init(_ features: FeatureMatrix) throws {
        self = try withTemporaryFolder { folder in
            try NumPyFile.write(features, to: "\(folder)/a.npy")
            return try NumPyFile.read("\(folder)/a.npy")
        }
    }
}
