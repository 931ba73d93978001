using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FlowCore;
using FlowCore.Checkpoints;
using Spectre.Console;

namespace FlowCli.Commands;

/// <summary><c>flow inspect</c>: what a checkpoint is, and whether its weights are sound.</summary>
internal static class InspectCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var command = new ExampledCommand("inspect", "Shows what a checkpoint holds, and checks its weights.", "flow inspect --model models/two-moons")
        { model };
        command.SetAction(parsed =>
        {
            Checkpoint checkpoint = Checkpoint.Read(ModelPath.Resolve(parsed.GetRequiredValue(model)));
            using Flow flow = checkpoint.BuildFlow(); // compares names, shapes, types and finiteness
            IAnsiConsole console = terminal.Console();
            console.Write(Facts(checkpoint));
            console.Write(Bijections(checkpoint.Spec));
            JsonElement spec = SpecJson.ToElement(checkpoint.Spec);
            if (spec.TryGetProperty("provenance", out JsonElement provenance))
                console.Write(Properties("provenance", provenance));
            if (spec.TryGetProperty("training", out JsonElement training))
                console.Write(Properties("training", training));
        });
        return command;
    }

    private static Table Facts(Checkpoint checkpoint)
    {
        FlowSpec spec = checkpoint.Spec;
        Table table = TwoColumns("model", spec.Name);
        Row(table, "event shape", $"[{string.Join(", ", spec.EventShape)}]");
        if (spec.Features is { } features)
            Row(table, "features", string.Join(", ", features));
        if (spec.Context is { } context)
            Row(table, "context", context.Classes is { } classes ? $"one of {classes} classes" : $"{context.Size} values");
        JsonElement json = SpecJson.ToElement(spec);
        Row(table, "base", json.GetProperty("base").GetProperty("kind").GetString() ?? "");
        long values = checkpoint.Weights.Values.Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size));
        Row(table, "weights", string.Create(CultureInfo.InvariantCulture, $"{values:N0} values in {checkpoint.Weights.Count} tensors, sound: sha256, names, shapes, types and finite values agree"));
        return table;
    }

    // The settings as flow.json has them: a new kind needs nothing here.
    private static Table Bijections(FlowSpec spec)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("#").RightAligned()).AddColumn("bijection").AddColumn("settings");
        int number = 0;
        foreach (JsonElement bijection in SpecJson.ToElement(spec).GetProperty("bijections").EnumerateArray())
        {
            string settings = string.Join(", ", bijection.EnumerateObject().Where(property => property.Name != "kind").Select(Setting));
            table.AddRow($"{number++}", Markup.Escape(bijection.GetProperty("kind").GetString() ?? ""), Markup.Escape(settings));
        }
        return table;
    }

    private static string Setting(JsonProperty property) => $"{property.Name}: {Value(property.Value)}";

    private static string Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object when value.TryGetProperty("kind", out JsonElement kind) =>
            $"{kind.GetString()}({string.Join(", ", value.EnumerateObject().Where(property => property.Name != "kind").Select(Setting))})",
        JsonValueKind.Object => $"{{{string.Join(", ", value.EnumerateObject().Select(Setting))}}}",
        JsonValueKind.Array => $"[{string.Join(", ", value.EnumerateArray().Select(Value))}]",
        JsonValueKind.String => value.GetString() ?? "",
        _ => value.GetRawText(),
    };

    private static Table Properties(string title, JsonElement record)
    {
        Table table = TwoColumns(title, "");
        foreach (JsonProperty property in record.EnumerateObject())
            Row(table, property.Name.Replace('_', ' '), Value(property.Value));
        return table;
    }

    private static Table TwoColumns(string title, string of) =>
        new Table().Border(TableBorder.Simple).AddColumn(Markup.Escape(title)).AddColumn(Markup.Escape(of));

    private static void Row(Table table, string name, string value) => table.AddRow(Markup.Escape(name), Markup.Escape(value));
}
