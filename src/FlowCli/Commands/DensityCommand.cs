using System.CommandLine;
namespace FlowCli.Commands;
internal static class DensityCommand { public static Command Create(Terminal terminal) => new("density", "x"); }
