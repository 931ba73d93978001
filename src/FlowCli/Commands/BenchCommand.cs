using System.CommandLine;
namespace FlowCli.Commands;
internal static class BenchCommand { public static Command Create(Terminal terminal) => new("bench", "x"); }
