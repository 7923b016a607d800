import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct NumPyFileTests {
    @Test func theHeaderIsAsNumPyWants() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.npy"
            try NumPyFile.write(
                FeatureMatrix(values: [1, 2, 3, 4, 5, 6], frameCount: 2, featureCount: 3),
                to: path)
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(Array(data.prefix(8)) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
            let length = Int(data[8]) + Int(data[9]) << 8
            #expect((10 + length) % 64 == 0)
            let header = String(decoding: data[10..<(10 + length)], as: UTF8.self)
            #expect(
                header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"))
            #expect(header.last == "\n")
            #expect(data.count == 10 + length + 24)
            #expect(Array(data[(10 + length)..<(14 + length)]) == [0, 0, 0x80, 0x3F])
        }
    }

    @Test func whatIsWrittenIsRead() throws {
        try withTemporaryFolder { folder in
            let values = noise(count: 30)
            try NumPyFile.write(values, to: "\(folder)/1.npy")
            let one = try NumPyFile.read("\(folder)/1.npy")
            #expect(one.shape == [30] && one.values == values)
            try NumPyFile.write(values, shape: [2, 3, 5], to: "\(folder)/3.npy")
            let three = try NumPyFile.read("\(folder)/3.npy")
            #expect(three.shape == [2, 3, 5] && three.values == values)
        }
    }

    @Test func anArrayOfNumPysOwnIsRead() throws {
        let signal = try NumPyFile.read("\(references)/signal.npy")
        #expect(signal.shape == [9600])
        // What NumPy prints for the first value.
        #expect(signal.values[0] == 0.08569534)
    }

    @Test func otherFilesAreErrors() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.npy"
            #expect(throws: SignalError.missingFile(path: path)) { try NumPyFile.read(path) }
            func expectNotNumPy(_ data: Data) throws {
                try data.write(to: URL(fileURLWithPath: path))
                let error = #expect(throws: SignalError.self) { try NumPyFile.read(path) }
                guard case .notNumPy = error else {
                    Issue.record("another error: \(String(describing: error))")
                    return
                }
            }
            try expectNotNumPy(Data("these are not the bytes of an array".utf8))
            try NumPyFile.write([1, 2, 3], to: path)
            let good = try Data(contentsOf: URL(fileURLWithPath: path))
            try expectNotNumPy(good.dropLast(4))
            try expectNotNumPy(good.prefix(20))
            try expectNotNumPy(good.prefix(9))
            func changed(_ old: String, _ new: String) throws -> Data {
                var data = good
                data.replaceSubrange(
                    try #require(data.range(of: Data(old.utf8))), with: Data(new.utf8))
                return data
            }
            try expectNotNumPy(try changed("<f4", "<f8"))
            try expectNotNumPy(try changed("False", "True "))
            try expectNotNumPy(try changed("(3,)", "(-3)"))
            try expectNotNumPy(try changed("(3,)", "(4,)"))
        }
    }
}

@Suite struct NumPyFileWriterTests {
    @Test func framesInPartsMakeTheSameFile() throws {
        try withTemporaryFolder { folder in
            let features = FeatureMatrix(
                values: noise(count: 80_000), frameCount: 1000, featureCount: 80)
            try NumPyFile.write(features, to: "\(folder)/whole.npy")
            for step in [1, 7, 999, 1000] {
                let path = "\(folder)/parts.npy"
                let writer = try NumPyFileWriter(path: path, featureCount: 80)
                for start in stride(from: 0, to: 1000, by: step) {
                    try writer.append(features.rows(in: start..<min(1000, start + step)))
                }
                #expect(writer.frameCount == 1000)
                try writer.finish()
                #expect(
                    FileManager.default.contentsEqual(atPath: path, andPath: "\(folder)/whole.npy"))
            }
            let empty = try NumPyFileWriter(path: "\(folder)/empty.npy", featureCount: 3)
            try empty.finish()
            #expect(try NumPyFile.read("\(folder)/empty.npy").shape == [0, 3])
        }
    }

    @Test func nothingIsLeftOfAFileThatIsNotFinished() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/a.npy"
            do {
                let writer = try NumPyFileWriter(path: path, featureCount: 2)
                try writer.append(
                    FeatureMatrix(values: [1, 2], frameCount: 1, featureCount: 2))
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
                #expect(!FileManager.default.fileExists(atPath: path))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
            #expect(throws: SignalError.self) {
                try NumPyFileWriter(path: "\(folder)/no/such/folder/a.npy", featureCount: 2)
            }
        }
    }
}
