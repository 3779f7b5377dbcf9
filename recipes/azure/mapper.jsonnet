local answers = {"audience":"api://AzureADTokenExchange"};

{
  claims: {},
}
