import Foundation
import SwiftProtobuf

/// Writes a TensorBoard event file: scalars, pictures and texts by training step.
///
/// Every writer opens a file of its own, `events.out.tfevents.SECONDS.HOST`. A run that was cut
/// off is continued by a new writer in the same folder, whose file has a later time in its name
/// than every file that is there; TensorBoard reads such files one after the other. Each call
/// hands its record to the operating system before it returns, so a cut loses no finished call.
public final class EventFileWriter {
    /// The file that is written.
    public let url: URL

    private let handle: FileHandle

    /// Opens a new event file.
    ///
    /// - Parameters:
    ///   - directory: The folder of the file, a run's folder; made where it is missing.
    ///   - resumedStep: The first step of a continued run. TensorBoard drops what earlier files
    ///     say of this step and of later ones. `nil` for a new run.
    ///   - startTime: The time in the file's name and in its first record.
    /// - Throws: ``ReportError/cannotWrite(path:reason:)`` where the folder or the file cannot be
    ///   made.
    public init(
        directory: URL, resumedStep: Int? = nil, startTime: Date = Date()
    ) throws {
        url = try Self.newFile(in: directory, startTime: startTime)
        do {
            handle = try FileHandle(forWritingTo: url)
        } catch {
            throw ReportError.cannotWrite(path: url.path, reason: error.localizedDescription)
        }
        try write(step: 0, at: startTime, .fileVersion("brain.Event:2"))
        if let resumedStep {
            var session = Tensorboard_SessionLog()
            session.status = .start
            try write(step: resumedStep, at: startTime, .sessionLog(session))
        }
    }

    /// Writes one scalar.
    ///
    /// - Parameters:
    ///   - value: The number; NaN and infinities are stored as they are.
    ///   - tag: The curve's name; a slash makes groups, as in `loss/train`.
    ///   - step: The training step.
    ///   - time: The time of the measurement.
    /// - Throws: ``ReportError/cannotWrite(path:reason:)`` where the record cannot be written.
    public func scalar(
        _ value: Double, tag: String, step: Int, at time: Date = Date()
    ) throws {
        try scalars([tag: value], step: step, at: time)
    }

    /// Writes several scalars of one step in one record.
    ///
    /// - Parameters:
    ///   - values: The numbers by tag.
    ///   - step: The training step.
    ///   - time: The time of the measurement.
    /// - Throws: ``ReportError/cannotWrite(path:reason:)`` where the record cannot be written.
    public func scalars(
        _ values: [String: Double], step: Int, at time: Date = Date()
    ) throws {
        let summary = Tensorboard_Summary.with { summary in
            summary.value = values.sorted { $0.key < $1.key }.map { tag, number in
                Tensorboard_Summary.Value.with {
                    $0.tag = tag
                    $0.simpleValue = Float(number)
                }
            }
        }
        try write(step: step, at: time, .summary(summary))
    }

    /// Writes a picture.
    ///
    /// - Parameters:
    ///   - image: The picture.
    ///   - tag: The picture's name.
    ///   - step: The training step.
    ///   - time: The time of the record.
    /// - Throws: ``ReportError/cannotWrite(path:reason:)`` where the record cannot be written, and
    ///   what ``RGBImage/png()`` throws.
    public func image(
        _ image: RGBImage, tag: String, step: Int, at time: Date = Date()
    ) throws {
        let png = try image.png()
        let value = Tensorboard_Summary.Value.with {
            $0.tag = tag
            $0.image.height = Int32(image.height)
            $0.image.width = Int32(image.width)
            $0.image.colorspace = 3
            $0.image.encodedImageString = png
        }
        try write(step: step, at: time, .summary(.with { $0.value = [value] }))
    }

    /// Writes a text, which TensorBoard shows as Markdown in its Text tab.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - tag: The text's name.
    ///   - step: The training step.
    ///   - time: The time of the record.
    /// - Throws: ``ReportError/cannotWrite(path:reason:)`` where the record cannot be written.
    public func text(
        _ text: String, tag: String, step: Int = 0, at time: Date = Date()
    ) throws {
        let value = Tensorboard_Summary.Value.with {
            $0.tag = tag
            $0.metadata.pluginData.pluginName = "text"
            $0.tensor.dtype = .dtString
            $0.tensor.tensorShape.dim = [.with { $0.size = 1 }]
            $0.tensor.stringVal = [Data(text.utf8)]
        }
        try write(step: step, at: time, .summary(.with { $0.value = [value] }))
    }

    /// Brings everything written so far onto the disk.
    ///
    /// - Throws: ``ReportError/cannotWrite(path:reason:)`` where the system reports a failure.
    public func synchronize() throws {
        try writing { try handle.synchronize() }
    }

    private func write(
        step: Int, at time: Date, _ content: Tensorboard_Event.OneOf_What
    ) throws {
        let event = Tensorboard_Event.with {
            $0.wallTime = time.timeIntervalSince1970
            $0.step = Int64(step)
            $0.what = content
        }
        try writing {
            try handle.write(contentsOf: RecordFraming.record(event.serializedData()))
        }
    }

    private func writing(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            throw ReportError.cannotWrite(path: url.path, reason: error.localizedDescription)
        }
    }

    /// Makes an empty file whose name sorts behind every event file of the folder.
    private static func newFile(in directory: URL, startTime: Date) throws -> URL {
        let prefix = "events.out.tfevents."
        do {
            try FileManager.default.createDirectory(
                at: directory, withIntermediateDirectories: true)
            let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            let latest = names.compactMap { name -> Int? in
                guard name.hasPrefix(prefix) else { return nil }
                return Int(name.dropFirst(prefix.count).prefix { $0.isNumber })
            }.max()
            var seconds = Int(startTime.timeIntervalSince1970)
            if let latest { seconds = max(seconds, latest + 1) }
            let url = directory.appendingPathComponent("\(prefix)\(seconds).\(hostName())")
            try Data().write(to: url, options: .withoutOverwriting)
            return url
        } catch {
            throw ReportError.cannotWrite(
                path: directory.path, reason: error.localizedDescription)
        }
    }

    /// The machine's name with nothing in it that a file name should not have.
    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let name = String(decoding: bytes, as: UTF8.self).filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".")
        }
        return name.isEmpty ? "localhost" : name
    }
}
