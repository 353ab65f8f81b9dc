namespace Scheduler.Daemon.Kubernetes.Wire;

internal sealed record TokenReviewObject
{
    public string ApiVersion { get; set; } = "authentication.k8s.io/v1";
    public string Kind { get; set; } = "TokenReview";
    public required TokenReviewSpec Spec { get; init; }
    public TokenReviewStatus? Status { get; init; }
}

internal sealed record TokenReviewSpec
{
    public string? Token { get; init; }
}

internal sealed record TokenReviewStatus
{
    public bool Authenticated { get; init; }
    public ReviewedUser? User { get; init; }
    public string? Error { get; init; }
}

internal sealed record ReviewedUser
{
    public string? Username { get; init; }
    public string? Uid { get; init; }
    public string[]? Groups { get; init; }
    public Dictionary<string, string[]>? Extra { get; init; }
}

internal sealed record AccessReviewObject
{
    public string ApiVersion { get; set; } = "authorization.k8s.io/v1";
    public string Kind { get; set; } = "SubjectAccessReview";
    public required AccessReviewSpec Spec { get; init; }
    public AccessReviewStatus? Status { get; init; }
}

internal sealed record AccessReviewSpec
{
    public required string User { get; init; }
    public string? Uid { get; init; }
    public string[]? Groups { get; init; }
    public Dictionary<string, string[]>? Extra { get; init; }
    public required ResourceAttributes ResourceAttributes { get; init; }
}

internal sealed record ResourceAttributes
{
    public required string Group { get; init; }
    public required string Resource { get; init; }
    public required string Verb { get; init; }
    public string? Namespace { get; init; }
}

internal sealed record AccessReviewStatus
{
    public bool Allowed { get; init; }
    public string? Reason { get; init; }
    public string? EvaluationError { get; init; }
}
