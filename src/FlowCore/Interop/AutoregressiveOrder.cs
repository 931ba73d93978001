namespace FlowCore.Interop;

/// <summary>The groups of an autoregressive layer, read off its masks: features in one group do not see each other.</summary>
internal static class AutoregressiveOrder
{
    public static int[] Of(LayerList network, int features, int parameters)
    {
        bool[][] outputs = network.Dependencies(features);
        if (outputs.Length != features * parameters)
            throw new ImportException($"a network emits {outputs.Length} values, the bijection needs {features * parameters}: bins or tails of model.json are not those of the weights");
        var sees = new bool[features][];
        for (int i = 0; i < features; i++)
        {
            sees[i] = new bool[features];
            for (int p = 0; p < parameters; p++)
                for (int j = 0; j < features; j++)
                    sees[i][j] |= outputs[i * parameters + p][j];
        }
        var level = new int[features];
        for (int round = 0; round <= features; round++)
        {
            bool moved = false;
            for (int i = 0; i < features; i++)
                for (int j = 0; j < features; j++)
                    if (sees[i][j] && level[i] <= level[j])
                        (level[i], moved) = (level[j] + 1, true);
            if (!moved)
                return level;
        }
        throw new ImportException("the masks are not autoregressive: a feature's parameters depend on the feature itself");
    }
}
