import Foundation

/// The address of this machine from which a host is reached; no packet is sent.
///
/// - Parameters:
///   - host: The host, by name or address.
///   - port: A port there.
/// - Returns: The address in digits, or `nil` where no route leads to the host.
func ownAddress(towards host: String, port: Int) -> String? {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, "\(port)", &hints, &found) == 0 else { return nil }
    defer { freeaddrinfo(found) }
    var next = found
    while let each = next?.pointee {
        next = each.ai_next
        let socket = Glibc.socket(each.ai_family, Int32(SOCK_DGRAM.rawValue), 0)
        guard socket >= 0 else { continue }
        defer { close(socket) }
        guard connect(socket, each.ai_addr, each.ai_addrlen) == 0 else { continue }
        var own = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let isNamed = withUnsafeMutablePointer(to: &own) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(socket, $0, &size) == 0
                    && getnameinfo(
                        $0, size, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0
            }
        }
        if isNamed {
            return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        }
    }
    return nil
}

/// Whether an address can be reached from this machine alone.
func isLoopback(_ address: String) -> Bool { address.hasPrefix("127.") || address == "::1" }

/// A port that nothing on this machine listens at.
package func freePort() throws -> Int {
    func failure() -> POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EADDRINUSE) }
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard socket >= 0 else { throw failure() }
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0
        }
    }
    guard isBound else { throw failure() }
    return Int(UInt16(bigEndian: address.sin_port))
}
