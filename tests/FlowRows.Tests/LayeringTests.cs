extern alias cli;
using System.Reflection;
using System.Text.RegularExpressions;

namespace FlowRows.Tests;

/// <summary>Who knows whom: rows know no program, and the queues know neither HTTP nor formats.</summary>
public sealed class LayeringTests
{
    [Theory]
    [InlineData(typeof(RowFormat))]
    [InlineData(typeof(FlowCore.Flow))]
    public void Neither_rows_nor_the_mathematics_know_a_program(Type of)
    {
        string[] references = [.. of.Assembly.GetReferencedAssemblies().Select(name => name.Name!)];
        Assert.DoesNotContain(references, name => name is "FlowService" or "flow" || name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
    }

    [Fact]
    public void Both_programs_read_rows_by_the_same_library()
    {
        Assert.Contains("FlowRows", typeof(Program).Assembly.GetReferencedAssemblies().Select(name => name.Name));
        Assert.Contains("FlowRows", typeof(cli::FlowCli.FlowCommand).Assembly.GetReferencedAssemblies().Select(name => name.Name));
    }

    [Fact]
    public void Batching_knows_buffers_and_neither_formats_nor_HTTP()
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (Type type in typeof(Program).Assembly.GetTypes().Where(type => type.Namespace == "FlowService.Batching"))
        {
            IEnumerable<Type> known = type.GetFields(all).Select(field => field.FieldType)
                .Concat(type.GetMethods(all).SelectMany(method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType)))
                .Concat(type.GetConstructors(all).SelectMany(constructor => constructor.GetParameters().Select(parameter => parameter.ParameterType)));
            foreach (Type other in known)
                Assert.False(other.Namespace is { } name && Regex.IsMatch(name, @"^(FlowRows(?!\.Buffers)|FlowService\.(Requests|Endpoints|OpenInference)|Microsoft\.AspNetCore)"),
                    $"{type} knows {other}");
        }
    }
}
