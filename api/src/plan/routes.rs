pub struct PlanApi;
