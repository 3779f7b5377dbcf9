local answers = {"audience":"centrifugo","channel":"news"};

{
  claims: {
    channel: answers.channel,
  },
}
