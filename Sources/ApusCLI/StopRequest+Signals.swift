import ApusPretraining
import Foundation

extension StopRequest {
    /// Has signals stop a run; the second one of a kind ends the process at once.
    func stops(on signals: [Int32]) -> [any DispatchSourceSignal] {
        signals.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                self.stop()
                signal(number, SIG_DFL)
            }
            source.resume()
            return source
        }
    }
}
