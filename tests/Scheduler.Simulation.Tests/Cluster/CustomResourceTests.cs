using Scheduler.SimulatedCluster.Json;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

public sealed class CustomResourceTests
{
    private const string Things = "/apis/example.io/v1/things";

    private const string Definition =
        """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: things.example.io}
        spec:
          group: example.io
          scope: Cluster
          names: {kind: Thing, plural: things, shortNames: [th]}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            additionalPrinterColumns:
            - {name: Size, type: integer, jsonPath: .spec.size}
            - {name: Good, type: string, jsonPath: '.status.conditions[?(@.type=="Good")].status'}
            schema:
              openAPIV3Schema:
                type: object
                required: [spec]
                properties:
                  spec:
                    type: object
                    required: [size]
                    properties:
                      size: {type: integer, minimum: 1, maximum: 10}
                      color: {type: string, enum: [red, blue], default: red}
                      code: {type: string, pattern: '^[a-z]+$', maxLength: 5}
                      amount: {x-kubernetes-int-or-string: true}
                      free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                      tags: {type: object, additionalProperties: {type: string}}
                  status: {type: object, x-kubernetes-preserve-unknown-fields: true}
        """;

    private static async Task<TestCluster> WithThingsAsync()
    {
        var cluster = await TestCluster.StartAsync();
        var definition = await cluster.CreateAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Definition);
        Assert.Contains(definition.ObjectsAt("status", "conditions"), c => c.StringAt("type") == "Established" && c.StringAt("status") == "True");
        return cluster;
    }

    private static string Thing(string spec) => $"{{apiVersion: example.io/v1, kind: Thing, metadata: {{name: t}}, spec: {spec}}}";

    [Fact]
    public async Task A_definition_serves_its_resource_with_defaults_and_discovery()
    {
        await using var cluster = await WithThingsAsync();
        var thing = await cluster.CreateAsync(Things, Thing("{size: 3, amount: 500m, free: {any: [1]}, tags: {a: b}}"));
        Assert.Equal("red", thing.StringAt("spec", "color"));
        Assert.Equal(1, thing.LongAt("metadata", "generation"));
        Assert.Equal("[1]", thing.At("spec", "free", "any")!.ToJsonString());
        var resources = await cluster.GetAsync("/apis/example.io/v1");
        Assert.Contains(resources.ObjectsAt("resources"), r => r.StringAt("name") == "things/status");
        Assert.Contains((await cluster.GetAsync("/apis")).ObjectsAt("groups"), g => g.StringAt("name") == "example.io");
    }

    [Theory]
    [InlineData("{}", "spec.size", "FieldValueRequired")]
    [InlineData("{size: 0}", "spec.size", "FieldValueInvalid")]
    [InlineData("{size: 11}", "spec.size", "FieldValueInvalid")]
    [InlineData("{size: x}", "spec.size", "FieldValueTypeInvalid")]
    [InlineData("{size: 1, color: green}", "spec.color", "FieldValueNotSupported")]
    [InlineData("{size: 1, code: A1}", "spec.code", "FieldValueInvalid")]
    [InlineData("{size: 1, code: abcdef}", "spec.code", "FieldValueTooLong")]
    [InlineData("{size: 1, amount: 1.5}", "spec.amount", "FieldValueTypeInvalid")]
    public async Task The_schema_is_enforced(string spec, string field, string reason)
    {
        await using var cluster = await WithThingsAsync();
        var status = await cluster.ExpectAsync(422, "POST", Things, TestCluster.Yaml(Thing(spec)));
        Assert.Contains(status.ObjectsAt("details", "causes"), c => c.StringAt("field") == field && c.StringAt("reason") == reason);
    }

    [Fact]
    public async Task Unknown_fields_are_pruned_or_refused_as_the_client_wishes()
    {
        await using var cluster = await WithThingsAsync();
        var refused = await cluster.ExpectAsync(400, "POST", Things + "?fieldValidation=Strict", TestCluster.Yaml(Thing("{size: 1, foo: 2}")));
        Assert.Contains("strict decoding error: unknown field \"spec.foo\"", refused.StringAt("message"), StringComparison.Ordinal);
        Assert.Null((await cluster.CreateAsync(Things + "?fieldValidation=Ignore", Thing("{size: 1, foo: 2}"))).At("spec", "foo"));
    }

    [Fact]
    public async Task Status_and_specification_are_apart()
    {
        await using var cluster = await WithThingsAsync();
        var thing = await cluster.CreateAsync(Things, Thing("{size: 3}"));
        var status = await cluster.ExpectAsync(200, "PATCH", Things + "/t/status", TestCluster.Yaml("{spec: {size: 4}, status: {x: 1}, metadata: {labels: {a: b}}}"), "application/merge-patch+json");
        Assert.Equal(3, status.LongAt("spec", "size"));
        Assert.Equal(1, status.LongAt("status", "x"));
        Assert.Null(status.At("metadata", "labels"));
        Assert.Equal(1, status.LongAt("metadata", "generation"));
        var spec = await cluster.ExpectAsync(200, "PATCH", Things + "/t", TestCluster.Yaml("{spec: {size: 5}, status: {x: 2}}"), "application/merge-patch+json");
        Assert.Equal(1, spec.LongAt("status", "x"));
        Assert.Equal(2, spec.LongAt("metadata", "generation"));
        Assert.Equal(thing.StringAt("metadata", "uid"), spec.StringAt("metadata", "uid"));
    }

    [Fact]
    public async Task An_update_without_a_version_is_refused()
    {
        await using var cluster = await WithThingsAsync();
        var thing = await cluster.CreateAsync(Things, Thing("{size: 3}"));
        thing.Child("metadata").Remove("resourceVersion");
        Assert.Contains("must be specified for an update", (await cluster.ExpectAsync(422, "PUT", Things + "/t", thing)).StringAt("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_printer_columns_read_their_paths()
    {
        await using var cluster = await WithThingsAsync();
        await cluster.CreateAsync(Things, Thing("{size: 3}"));
        await cluster.ExpectAsync(200, "PATCH", Things + "/t/status", TestCluster.Yaml("{status: {conditions: [{type: Bad, status: 'False'}, {type: Good, status: 'True'}]}}"), "application/merge-patch+json");
        var (_, table) = await cluster.SendAsync("GET", Things, accept: "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal("[\"t\",3,\"True\"]", table.ObjectsAt("rows").Single().At("cells")!.ToJsonString());
    }

    [Fact]
    public async Task A_definition_that_goes_takes_its_objects_and_paths_with_it()
    {
        await using var cluster = await WithThingsAsync();
        await cluster.CreateAsync(Things, Thing("{size: 3}"));
        await cluster.ExpectAsync(200, "DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.io");
        await cluster.ExpectAsync(404, "GET", Things);
        await cluster.CreateAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Definition);
        Assert.Empty((await cluster.GetAsync(Things)).ArrayAt("items")!);
    }
}
