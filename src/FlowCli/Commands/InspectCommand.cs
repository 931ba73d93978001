using System.CommandLine;
namespace FlowCli.Commands;
internal static class InspectCommand { public static Command Create(Terminal terminal) => new("inspect", "x"); }
