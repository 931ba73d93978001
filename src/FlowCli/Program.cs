using System.Runtime.InteropServices;
using System.Text;
using FlowCli;
using FlowCore.Tensors;

// The first Ctrl-C, or the end of the terminal, asks the command to end in good order (training keeps its best weights); the second one ends the process.
using var stop = new CancellationTokenSource();
void Ask(PosixSignalContext signal)
{
    signal.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Ask);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ask);
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Ask);

OpenMp.WaitPassively();
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
using Stream bytes = Console.OpenStandardOutput();
using var output = Console.IsOutputRedirected ? new StreamWriter(bytes, new UTF8Encoding(false), 1 << 16) { AutoFlush = false } : null;
int code = FlowCommand.Run(args, output ?? Console.Out, Console.Error, isInteractive: !Console.IsOutputRedirected, bytes: bytes, stop: stop.Token);
return code | FlowCommand.Flush(output, Console.Error);
