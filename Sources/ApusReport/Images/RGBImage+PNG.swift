import CPNG
import Foundation

extension RGBImage {
    /// The picture as a PNG file.
    ///
    /// - Returns: The file's bytes.
    /// - Throws: ``ReportError/imageCoding(reason:)`` where libpng refuses the picture, which its
    ///   size limits allow for.
    public func png() throws -> Data {
        var header = png_image()
        header.version = png_uint_32(PNG_IMAGE_VERSION)
        header.width = png_uint_32(width)
        header.height = png_uint_32(height)
        header.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
        defer { png_image_free(&header) }

        // Without a buffer libpng only says how many bytes the file will have.
        var size = png_alloc_size_t(0)
        guard png_image_write_to_memory(&header, nil, &size, 0, pixels, 0, nil) != 0 else {
            throw ReportError.imageCoding(reason: Self.message(of: header))
        }
        var bytes = [UInt8](repeating: 0, count: size)
        guard png_image_write_to_memory(&header, &bytes, &size, 0, pixels, 0, nil) != 0 else {
            throw ReportError.imageCoding(reason: Self.message(of: header))
        }
        return Data(bytes.prefix(size))
    }

    /// Writes the picture to a PNG file.
    ///
    /// - Parameter url: The file, replaced where it exists.
    /// - Throws: ``ReportError/cannotWrite(path:reason:)``, and what ``png()`` throws.
    public func writePNG(to url: URL) throws {
        let data = try png()
        do {
            try data.write(to: url, options: .atomic)
        } catch {
            throw ReportError.cannotWrite(path: url.path, reason: error.localizedDescription)
        }
    }

    private static func message(of header: png_image) -> String {
        withUnsafeBytes(of: header.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
