using System.Text;
using FlowCore.Bijections;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;

namespace FlowCore.Tests.Specs;

/// <summary>What cannot be is refused by its field, in one sentence, by either engine, before anything is allocated for it.</summary>
public sealed class SpecFieldTests
{
    [Theory]
    [InlineData("""{"kind":"softclip","bound":-5}""", "bijections[0].bound: must be positive, is -5")]
    [InlineData("""{"kind":"softclip","bound":1e308}""", "bijections[0].bound: must lie in 1E-06..1000000, is 1E+308")]
    [InlineData("""{"kind":"softclip","bound":1e400}""", "bijections[0].bound: must lie in 1E-06..1000000, is Infinity")]
    [InlineData("""{"kind":"logit","alpha":0.7}""", "bijections[0].alpha: must lie in [0, 0.5), is 0.7")]
    [InlineData("""{"kind":"logit","upper":-1}""", "bijections[0].upper: must be above lower (0), is -1")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"affine","bound":-2}}""", "bijections[0].element.bound: must be positive, is -2")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"affine","most":-1}}""", "bijections[0].element.most: must be positive, is -1")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"affine","least":-1}}""", "bijections[0].element.least: must not be negative, is -1")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"affine","scale":7}}""", "bijections[0].element.scale: 7 is none of the values that it may have")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"spline","bins":0}}""", "bijections[0].element.bins: must lie in 1..1024, is 0")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"spline","bins":2147483647}}""", "bijections[0].element.bins: must lie in 1..1024, is 2147483647")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"spline","feature_bounds":[1]}}""", "bijections[0].element.feature_bounds: has 1 entries for 2 features")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"sum_of_squares","polynomials":1,"degree":1,"slope":-1}}""", "bijections[0].element.slope: must not be negative, is -1")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"monotonic_network","signal":0,"hidden":[4]}}""", "bijections[0].element.signal: must lie in 1..4096, is 0")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"monotonic_network","signal":2,"hidden":[]}}""", "bijections[0].element.hidden: needs 1 to 32 layers, has 0")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"monotonic_network","signal":2,"hidden":[4,600]}}""", "bijections[0].element.hidden: must lie in 1..512, is 600")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"integral","signal":2,"hidden":[3,1],"normalize":true}}""", "bijections[0].element.normalize: a layer of one unit has no variance")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"integral","signal":2,"hidden":[3],"bound":100}}""", "bijections[0].element.bound: must be at most 80, is 100")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"integral","signal":2,"hidden":[3],"points":0}}""", "bijections[0].element.points: must lie in 1..512, is 0")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"mixture","components":2,"least":0}}""", "bijections[0].element.least: must be positive, is 0")]
    [InlineData("""{"kind":"elementwise","element":{"kind":"bernstein","increments":0}}""", "bijections[0].element.increments: must lie in 1..512, is 0")]
    [InlineData("""{"kind":"coupling","mask":"odd","element":{"kind":"affine"},"conditioner":{"kind":"mlp","hidden":[4,0]}}""", "bijections[0].conditioner.hidden: must be at least 1, is 0")]
    [InlineData("""{"kind":"coupling","mask":"odd","element":{"kind":"affine"},"conditioner":{"kind":"mlp","hidden":[2147483647]}}""",
        "bijections[0].conditioner.hidden: must be at most 8388608, is 2147483647")]
    [InlineData("""{"kind":"coupling","mask":"odd","element":{"kind":"affine"},"conditioner":{"kind":"mlp","hidden":[60000,60000]}}""",
        "tensor 'bijections.0.conditioner.layers.3.weight' of shape [60000, 60000] takes the flow's weights above 536870912 values")]
    [InlineData("""{"kind":"coupling","mask":"odd","element":{"kind":"affine"},"conditioner":{"kind":"residual_net","width":3,"blocks":-1}}""",
        "bijections[0].conditioner.blocks: must lie in 0..1024, is -1")]
    [InlineData("""{"kind":"coupling","mask":"odd","element":{"kind":"affine"},"conditioner":{"kind":"sequence","steps":[{"kind":"linear","width":3}]}}""",
        "bijections[0].conditioner: emits 3 values, the bijection needs 2")]
    [InlineData("""{"kind":"coupling","mask":"odd","element":{"kind":"affine"},"conditioner":{"kind":"sequence","steps":[{"kind":"zeros","width":1000000000},{"kind":"zeros","width":2}]}}""",
        "bijections[0].conditioner.steps[0].width: must be at most 8388608, is 1000000000")]
    [InlineData("""{"kind":"coupling","mask":"odd","element":{"kind":"affine"},"conditioner":{"kind":"sequence","steps":[null]}}""", "bijections[0].conditioner.steps[0]: is missing")]
    [InlineData("""{"kind":"coupling","mask":"odd","element":{"kind":"affine"},"conditioner":{"kind":"sequence","steps":[{"kind":"parallel","branches":[null]}]}}""",
        "bijections[0].conditioner.steps[0].branches[0]: is missing")]
    [InlineData("""{"kind":"coupling","mask":"checkerboard_even","element":{"kind":"affine"},"conditioner":{"kind":"linear"}}""",
        "bijections[0].kind: needs an image event, here the event shape is [2]")]
    [InlineData("""{"kind":"coupling","mask":[1,1],"element":{"kind":"affine"},"conditioner":{"kind":"linear"}}""",
        "bijections[0].mask: transforms all 2 features; a coupling needs some of both kinds")]
    [InlineData("""{"kind":"autoregressive","element":{"kind":"affine"},"conditioner":{"kind":"made","hidden":[4]},"order":[0,2147483647]}""",
        "bijections[0].order: groups are numbered from 0 without gaps, 2147483647 is none of 2 features' groups")]
    [InlineData("""{"kind":"permutation","order":"explicit","indices":[0,0]}""", "bijections[0].indices: must hold each of 0..1 once")]
    [InlineData("""{"kind":"householder","reflections":0}""", "bijections[0].reflections: must lie in 1..4096, is 0")]
    [InlineData("""{"kind":"batch_norm","epsilon":-1}""", "bijections[0].epsilon: must not be negative, is -1")]
    [InlineData("""{"kind":"inverted","of":{"kind":"split","inner":[{"kind":"planar","slope":2}]}}""", "bijections[0].of.inner[0].slope: must lie above 0 and at most at 1, is 2")]
    [InlineData("""{"kind":"squeeze"}""", "bijections[0].kind: needs an image event, here the event shape is [2]")]
    [InlineData("""{"kind":"wrap","features":[5],"bounds":[1]}""", "bijections[0].features: must be different positions in 0..1")]
    [InlineData("""{"kind":"dequantize","steps":[1]}""", "bijections[0].steps: has 1 entries for 2 features")]
    [InlineData("""{"kind":"haar"}""", "bijections[0].kind: needs an image event, here the event shape is [2]")]
    [InlineData("""{"kind":"dequantize","steps":[1,1],"keep_means":2}""", "bijections[0].kind: needs an image event, here the event shape is [2]")]
    [InlineData("""{"kind":"flow_coupling","mask":"odd","encoder":[{"kind":"linear","width":0}],"inner":[]}""", "bijections[0].encoder[0].width: must be at least 1, is 0")]
    [InlineData("""{"kind":"flow_coupling","mask":"odd","encoder":[{"kind":"flatten"}],"inner":[]}""", "bijections[0].encoder[0].kind: needs an image event")]
    [InlineData("""{"kind":"flow_coupling","mask":"odd","encoder":[],"inner":[{"kind":"householder","reflections":0}]}""", "bijections[0].inner[0].reflections: must lie in 1..4096, is 0")]
    [InlineData("""{"kind":"flow_coupling","mask":"odd","encoder":[{"kind":"dense","inner":[null]}],"inner":[]}""", "bijections[0].encoder[0].inner[0]: is missing")]
    [InlineData("null", "bijections[0]: is missing")]
    public void A_bijection(string bijection, string message) => Refused($$"""[{{bijection}}]""", """{"kind":"standard_normal"}""", message);

    [Theory]
    [InlineData("""{"kind":"levels","levels":[{"width":1,"base":{"kind":"standard_normal"}}]}""", "base.levels: their widths must add up to 2")]
    [InlineData("""{"kind":"levels","levels":[{"width":1,"base":{"kind":"standard_normal"}},{"width":5000,"base":{"kind":"standard_normal"}}]}""", "base.levels: their widths must add up to 2")]
    [InlineData("""{"kind":"levels","levels":[{"width":1,"base":{"kind":"standard_normal"}},{"width":100000000,"base":{"kind":"standard_normal"}}]}""", "base.levels: their widths must add up to 2")]
    [InlineData("""{"kind":"levels","levels":[{"width":-1,"base":{"kind":"standard_normal"}},{"width":3,"base":{"kind":"standard_normal"}}]}""", "base.levels: their widths must add up to 2")]
    [InlineData("""{"kind":"levels","levels":[]}""", "base.levels: their widths must add up to 2")]
    [InlineData("""{"kind":"levels","levels":[null]}""", "base.levels[0]: is missing")]
    [InlineData("""{"kind":"levels","levels":[{"width":2,"base":{"kind":"gaussian_mixture","components":3}}]}""", "base.levels: a mixture cannot be one of several levels")]
    [InlineData("""{"kind":"levels","levels":[{"width":2,"base":{"kind":"glow_normal","channels":0}}]}""", "base.levels[0].base.channels: 0 channels do not divide 2 values")]
    [InlineData("""{"kind":"gaussian_mixture","components":3,"covariance":7}""", "base.covariance: 7 is none of the values that it may have")]
    [InlineData("""{"kind":"gaussian_mixture","components":0}""", "base.components: must lie in 1..65536, is 0")]
    [InlineData("""{"kind":"class_normal"}""", "base: class_normal needs a context with classes, and no embedding in front of it")]
    [InlineData("""{"kind":"conditional_normal","conditioner":{"kind":"linear"}}""", "base: conditional_normal needs a context")]
    [InlineData("""{"kind":"given"}""", "base.kind: 2 latents are not the first channels of a context of 0 at 1 pixels")]
    [InlineData("""{"kind":"given","factor":-1}""", "base.factor: must be positive, is -1")]
    [InlineData("""{"kind":"uniform_normal","uniform":[2]}""", "base.uniform: must be different positions in 0..1")]
    public void A_base(string density, string message) => Refused("[]", density, message);

    // A base that forgot the second value would answer -1.954 where -2.873 is right.
    [Theory]
    [InlineData(1.438834899208839, 0, -2.873)]
    [InlineData(1, 0.5, -2.462877066)]
    public void Levels_that_cover_the_latent_are_the_density_that_they_say(double first, double second, double right)
    {
        Checkpoint whole = Of("[]", """{"kind":"standard_normal"}""");
        Checkpoint levels = Of("[]", """{"kind":"levels","levels":[{"width":1,"base":{"kind":"standard_normal"}},{"width":1,"base":{"kind":"standard_normal"}}]}""");
        Assert.Equal(-Math.Log(2 * Math.PI) - (first * first + second * second) / 2, right, 1e-8);
        foreach (Checkpoint checkpoint in (Checkpoint[])[whole, levels])
            foreach (EngineKind kind in (EngineKind[])[EngineKind.Auto, EngineKind.Compiled, EngineKind.Torch])
            {
                using FlowEngine<double> engine = Engine.Open<double>(checkpoint, kind);
                var logProb = new double[1];
                engine.Forward([first, second], [], new double[2], new double[1], logProb);
                Assert.Equal(right, logProb[0], 1e-8);
            }
    }

    [Fact]
    public void Wide_layers_beside_few_weights_allocate_nothing()
    {
        Checkpoint checkpoint = Of("""[{"kind":"coupling","mask":"odd","element":{"kind":"affine"},"conditioner":{"kind":"mlp","hidden":[20000,20000]}}]""", """{"kind":"standard_normal"}""");
        long before = GC.GetTotalAllocatedBytes(), resident = Environment.WorkingSet;
        foreach (string message in Messages(checkpoint))
            Assert.Equal("tensor 'bijections.0.conditioner.layers.1.bias' is missing; the flow that flow.json describes needs it", message);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 10_000_000);
        Assert.InRange(Environment.WorkingSet - resident, long.MinValue, 100_000_000);
    }

    [Fact]
    public void Many_deep_networks_in_a_short_file_are_counted_first() => Refused(
        $"[{string.Join(',', Enumerable.Repeat("""{"kind":"coupling","mask":"odd","element":{"kind":"affine"},"conditioner":{"kind":"residual_net","width":1,"blocks":1024}}""", 4000))}]",
        """{"kind":"standard_normal"}""", "the flow needs more than 131072 tensors");

    [Fact]
    public void Nesting_is_bounded()
    {
        string nested = string.Concat(Enumerable.Repeat("""{"kind":"inverted","of":""", 100)) + """{"kind":"softclip"}""" + new string('}', 100);
        Assert.Contains("depth", Assert.Throws<SpecException>(() => Of($"[{nested}]", """{"kind":"standard_normal"}""")).Message, StringComparison.Ordinal);

        BijectionSpec deep = new SoftclipSpec();
        BaseDensitySpec density = new StandardNormalSpec();
        for (int i = 0; i < 100_000; i++)
            (deep, density) = (new InvertedSpec { Of = deep }, new LevelsSpec { Levels = [new Level { Width = 2, Base = density }] });
        var spec = new FlowSpec { Name = "deep", EventShape = [2], Bijections = [deep] };
        foreach (string message in (string[])[.. Messages(new(spec, Nothing)), .. Messages(new(spec with { Bijections = [], Base = density }, Nothing))])
            Assert.EndsWith("is nested more than 256 deep", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "event_shape: must be [D] or [C, H, W]")]
    [InlineData("[-2]", "event_shape: must be [D] or [C, H, W]")]
    [InlineData("[2147483647]", "event_shape: must be [D] or [C, H, W]")]
    [InlineData("[1048576,1048576,1048576]", "event_shape: must be [D] or [C, H, W]")]
    [InlineData("null", "event_shape")]
    [InlineData("\"2\"", "event_shape")]
    public void The_event_shape(string shape, string message) =>
        Assert.Contains(message, Assert.Throws<SpecException>(() => Checked($$"""{"name":"n","event_shape":{{shape}},"bijections":[]}""")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"name":"n","event_shape":[3],"event_shape":[2],"bijections":[]}""", "event_shape")]
    [InlineData("""{"name":"n","event_shape":[2],"bijections":[{"kind":"softclip","bound":1,"bound":2}]}""", "bound")]
    [InlineData("""{"name":"n","event_shape":[2],"bijections":[{"kind":"softclip","kind":"logit"}]}""", "kind")]
    [InlineData("""{"name":"n","event_shape":[3000000000],"bijections":[]}""", "flow.json: event_shape[0]: must be a whole number of at most 32 bits (line 1)")]
    [InlineData("""{"name":"n","event_shape":[2.5],"bijections":[]}""", "flow.json: event_shape[0]: must be a whole number of at most 32 bits (line 1)")]
    [InlineData("""{"name":"n","event_shape":2,"bijections":[]}""", "flow.json: event_shape: must be a list of whole numbers of at most 32 bits (line 1)")]
    [InlineData("""{"name":7,"event_shape":[2],"bijections":[]}""", "flow.json: name: must be text (line 1)")]
    [InlineData("""{"name":"n","event_shape":[2],"context":{"classes":1e400},"bijections":[]}""", "flow.json: context.classes: must be a whole number of at most 32 bits (line 1)")]
    [InlineData("""{"name":"n","event_shape":[2],"bijections":[{"kind":"softclip","bound":"5"}]}""", "flow.json: bijections[0].bound: must be a number (line 1)")]
    [InlineData("""{"name":"n","event_shape":[2],"bijections":[{"kind":"elastic"}]}""", "flow.json: bijections[0]: there is no kind 'elastic' (line 1)")]
    [InlineData("""{"name":"n","event_shape":[2],"bijections":[{}]}""", "flow.json: bijections[0]: lacks its kind (line 1)")]
    [InlineData("""{"name":"n","bijections":[]}""", "flow.json: lacks 'event_shape'")]
    [InlineData("""{"name":"n","event_shape":[2],"bijections":[{"kind":"softclip","bound":1,"bound":2}]}""", "flow.json: the field 'bound' stands here twice")]
    [InlineData("""{"name":"n","event_shape":[2],"bijections":[],"foo":1}""", "flow.json: there is no field 'foo' here; remove it, or correct its name")]
    [InlineData("\uFEFF{}", "flow.json: it begins with a byte order mark: write UTF-8 without one")]
    public void A_file_that_no_reader_is_sure_of(string json, string message) =>
        Assert.Contains(message, Assert.Throws<SpecException>(() => Checked(json)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{}", "context: give one of size, shape and classes")]
    [InlineData("""{"size":1,"classes":2}""", "context: give one of size, shape and classes")]
    [InlineData("""{"size":-1}""", "context: a size of -1 is outside 1..1048576")]
    [InlineData("""{"classes":100000000}""", "context: a size of 100000000 is outside 1..16384")]
    [InlineData("""{"classes":1,"categories":{"columns":["a"],"values":[["x"],["y"]],"rows":[1,1]}}""", "context.categories: has 2 values and 2 numbers of rows for 1 classes")]
    [InlineData("""{"size":1,"categories":{"columns":["a"],"values":[["x"]],"rows":[1]}}""", "context.categories: has 1 values and 1 numbers of rows for 0 classes")]
    [InlineData("""{"classes":1,"categories":{"columns":[],"values":[[]],"rows":[1]}}""", "context.categories.columns: names no column")]
    [InlineData("""{"classes":1,"categories":{"columns":["a"],"values":[["x","y"]],"rows":[1]}}""", "context.categories.values[0]: needs a category for each of 1 columns")]
    [InlineData("""{"classes":1,"categories":{"columns":["a"],"values":[null],"rows":[1]}}""", "context.categories.values[0]: needs a category for each of 1 columns")]
    [InlineData("""{"classes":1,"categories":{"columns":["a"],"values":[["x"]],"rows":[0]}}""", "context.categories.rows[0]: is 0; each class has a row at least")]
    [InlineData("""{"classes":2,"categories":{"columns":["a"],"values":[["x"],["x"]],"rows":[1,1]}}""", "context.categories.values: two classes have the same categories")]
    [InlineData("""{"size":1,"features":[null]}""", "context.features[0]: is missing")]
    [InlineData("""{"size":1,"embedding":[{"kind":"linear","width":0}]}""", "context.embedding[0].width: must be at least 1, is 0")]
    [InlineData("""{"size":1,"embedding":[{"kind":"layer_norm"}]}""", "context.embedding[0].kind: needs at least 2 units")]
    public void The_context(string context, string message) =>
        Assert.StartsWith(message, Assert.Throws<SpecException>(() => Checked($$"""{"name":"n","event_shape":[2],"bijections":[],"context":{{context}}}""")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"shape":[4]}""", "[1,4,4]", "context.shape: must be")]
    [InlineData("""{"shape":[1,0,4]}""", "[1,4,4]", "context.shape: must be")]
    [InlineData("""{"shape":[1024,1024,1024]}""", "[1,4,4]", "context.shape: must have at most 1048576 values")]
    [InlineData("""{"shape":[1,2,2],"block_means":3}""", "[1,4,4]", "context.block_means: must be 2, 4, 8 or 16, is 3")]
    [InlineData("""{"shape":[1,2,2],"block_means":4}""", "[1,4,4]", "context.block_means: the context's shape is not that of the means of blocks of 4 x 4 of an event [1, 4, 4]")]
    [InlineData("""{"size":4,"block_means":2}""", "[1,4,4]", "context.block_means: the context's shape is not that")]
    [InlineData("""{"shape":[1,3,3]}""", "[2,4,4]", "bijections[0].conditioner.steps[0].kind: the context is an image of 3 x 3, which 4 x 4 are not a multiple of")]
    [InlineData("""{"shape":[1,2,2]}""", "[2]", "bijections[0].conditioner.steps[0].kind: the context is an image of 2 x 2, and the event here a vector; end its embedding with a flatten layer")]
    [InlineData("""{"shape":[1,2,2],"embedding":[{"kind":"dense","inner":[{"kind":"flatten"}]}]}""", "[2,4,4]", "context.embedding[0].inner: leads to an image of another size")]
    public void A_context_that_is_an_image(string context, string shape, string message)
    {
        string network = """{"kind":"sequence","steps":[{"kind":"add_context"}]}""";
        string bijection = $$"""{"kind":"coupling","mask":"second_half","element":{"kind":"affine","scale":"none"},"conditioner":{{network}}}""";
        Assert.StartsWith(message, Assert.Throws<SpecException>(
            () => Checked($$"""{"name":"n","event_shape":{{shape}},"bijections":[{{bijection}}],"context":{{context}}}""")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"low":1,"high":1,"step":0}""")]
    [InlineData("""{"low":0,"high":1,"step":-1}""")]
    [InlineData("""{"low":0,"high":1,"step":2}""")]
    public void Values_of_pixels(string pixels) => Assert.StartsWith("pixels: low must lie below high", Assert.Throws<SpecException>(
        () => Checked($$"""{"name":"n","event_shape":[1,2,2],"bijections":[],"pixels":{{pixels}}}""")).Message, StringComparison.Ordinal);

    private static readonly Dictionary<string, WeightTensor> Nothing = [];

    private static void Refused(string bijections, string density, string message)
    {
        foreach (string said in Messages(Of(bijections, density)))
            Assert.Equal(message, said);
    }

    // What each of the two engines says.
    private static string[] Messages(Checkpoint checkpoint) =>
    [
        Assert.ThrowsAny<FlowException>(() => new TorchEngine<double>(checkpoint.BuildFlow())).Message,
        Assert.ThrowsAny<FlowException>(() => new CompiledEngine<double>(checkpoint)).Message,
    ];

    private static Checkpoint Of(string bijections, string density) =>
        new(SpecJson.Parse(Encoding.UTF8.GetBytes($$"""{"name":"n","event_shape":[2],"bijections":{{bijections}},"base":{{density}}}""")), Nothing);

    private static void Checked(string json) => new Checkpoint(SpecJson.Parse(Encoding.UTF8.GetBytes(json)), Nothing).Check();
}
