pub struct OpportunityApi;
